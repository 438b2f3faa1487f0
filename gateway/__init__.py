"""Serves what the projections wrote: status, lists and stories over HTTP. The last stage of the flow."""
