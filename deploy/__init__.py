"""The front door: the command line, the local servers, and the composition root that starts every process."""
