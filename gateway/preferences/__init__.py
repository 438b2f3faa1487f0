"""What recipients prefer: set, lifted and shown."""
