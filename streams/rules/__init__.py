"""The rules: what an event makes of a state, and what must come of it. Pure, no I/O, no clock; others fold by them too.

- `admission` and `policies` are admit's: who gets in.
- `notification`, in the `phase` it is in, and `conclusions` are lifecycle's: what happens next, by `retry`, and as
  `preferences` and `quiet_hours` want it. `overdue` is its reconciler's.
"""
