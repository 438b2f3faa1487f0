"""The world beyond: one file for each way of delivering, all behind one protocol."""
