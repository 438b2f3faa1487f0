"""What a process tells of itself: if it lives (`vitals`, `progress`), how much waits (`lag`, `depth`), its numbers.

`deploy` serves it, and ends what no longer moves.
"""
