"""Tells events of the log again, to a handler that the user names; it can't send.

Nothing in here imports a provider, a processor or a way into RabbitMQ, and what it writes to Kafka goes through
`writing`, which knows one topic: a user's own, or the record of operations (kept by import-linter, and by
`tests/projections/replay/test_harmless.py`). In the order of the work:
- `targets`: what can be named as a handler, and what is refused;
- `selecting`: which events are meant; `ranges`: where on the log they can be, and how many there are;
- `book`: what the operations say of each replay; `following` keeps it up with the topic;
- `handling`: what all handlers have in common; `collection`, `topic`, `webhook`; `handlers` has the one for a target;
- `work`: one replay, paced, from where it was; `runner`: the process that works on all of them.
"""
