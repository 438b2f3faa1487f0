"""The four servers the local stack can start for itself, one module or folder each."""
