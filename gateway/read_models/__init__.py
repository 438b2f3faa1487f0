"""Copies of read models, and their rebuilds."""
