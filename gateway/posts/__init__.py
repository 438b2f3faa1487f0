"""Posts, for a UI that wants something to like."""
