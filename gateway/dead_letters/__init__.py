"""What could not be handled: shown by `desk`, put back or given up by `work`."""
