"""Replays: asked for, shown, paused, resumed and cancelled. `projections.replay` does the work."""
