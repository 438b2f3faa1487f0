"""Delivers once more what was sent or has failed, for those who ask: one notification, or many at a pace.

`wishes` turns a stored notification into the event that asks for it, or says why not; `asking` writes these, some at a
time; `bulk` selects and paces; `bodies` and `desk` are the way in over HTTP. The command line uses `asking` and `bulk`.
Lifecycle decides, and its answer is on the log.
"""
