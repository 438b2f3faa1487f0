"""Limits for an actor, a recipient or a type: set, lifted and shown."""
