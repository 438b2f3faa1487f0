"""Where the API leaves a record of what it accepted, so that it can be read before the projection has caught up.

Names only, shared by `api` (writes after RabbitMQ's confirm), `projections` (removes what it has stored) and `gateway`
(serves it). In Redis: one JSON text a notification, in the form `GET /api/notifications/{id}` answers, which expires
after `Settings.pending_kept`, and a sorted set of ids by creation time in milliseconds.
"""

INDEX = "tidings:pending"


def record_key(notification: str) -> str:
    """The key of one pending record."""
    return f"{INDEX}:{notification}"
