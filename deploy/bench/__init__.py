"""Measures a stack of its own under load: how many, how fast, at what cost in CPU and memory."""
