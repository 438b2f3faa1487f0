"""What is there, and what waits where."""
