"""What became of notifications: read models and pending records put together, now or as of a time of the past."""
