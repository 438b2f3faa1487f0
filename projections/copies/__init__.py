"""Copies of read models: `copies` are the rules, `pointers` say which one is live, `places` how far each is folded.

`layers` keeps those up that a program has to write, in the order that makes a cut-over invisible.
"""
