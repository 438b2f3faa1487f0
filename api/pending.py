"""The pending record: what was just accepted can be read at once, before the projection has caught up.

Goes to Redis in the form in which `GET /api/notifications/{id}` answers; `streams.pending` names the keys.
"""

from datetime import datetime

import msgspec

from api.redis_pipe import Command
from streams.clock import iso, milliseconds
from streams.intake.bodies import DeliveryBody, SocialBody
from streams.intake.texts import text
from streams.pending import INDEX, record_key
from streams.rules.admission import TRANSACTIONAL

TRIM_EVERY = 1000
"""Milliseconds between two times of taking expired records off the index."""


class Pending:
    """Makes the commands that leave pending records, kept for `kept` seconds."""

    def __init__(self, max_attempts: int, kept: float) -> None:
        self._max_attempts, self._kept = max_attempts, round(kept * 1000)
        self._trimmed = 0

    def commands(
        self, notification: str, body: DeliveryBody | SocialBody, created: datetime, now: datetime
    ) -> list[Command]:
        """What Redis is to do for one notification."""
        record = msgspec.json.encode(job(notification, body, created, self._max_attempts))
        return [
            ("SET", record_key(notification), record, "PX", self._kept),
            ("ZADD", INDEX, milliseconds(created), notification),
            *self._trim(milliseconds(now)),
        ]

    def _trim(self, now: int) -> list[Command]:
        if now - self._trimmed < TRIM_EVERY:
            return []
        self._trimmed = now
        return [("ZREMRANGEBYSCORE", INDEX, "-inf", now - self._kept)]


def job(notification: str, body: DeliveryBody | SocialBody, created: datetime, max_attempts: int) -> dict[str, object]:
    """The job document of a notification that has only been asked for."""
    at = iso(created)
    return {
        "id": notification,
        "_id": notification,
        **_asked(body),
        "status": "pending",
        "attempts": 0,
        "maxAttempts": max_attempts,
        "lastError": None,
        "createdAt": at,
        "updatedAt": at,
    }


def _asked(body: DeliveryBody | SocialBody) -> dict[str, object]:
    match body:
        case DeliveryBody():
            return {
                "type": body.type,
                "recipient": body.recipient,
                "message": body.message,
                "metadata": body.metadata,
                "priority": body.priority or "transactional",
            }
        case SocialBody():
            return {
                "type": "in-app",
                "recipient": body.target,
                "message": text(body.type, body.actor),  # with ids: names are known further on only
                "metadata": None,
                "priority": "transactional" if body.type in TRANSACTIONAL else "promotional",
                "eventType": body.type,
                "actorId": body.actor,
                **({"postId": body.post} if body.post else {}),
            }
