"""Proves from outside that nothing was lost, and nothing doubled in silence, by folding the log again.

`audit` is the whole; `verdict` says what must hold of one notification, `requests` of what was asked for, `models` of
the database.
"""
