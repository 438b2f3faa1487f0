"""An event of the log in, the status change that a client is told out. Pure but for what it remembers of the newest."""

from typing import Any

import msgspec

from streams.clock import iso
from streams.codec import Undecodable, UnknownType, decode
from streams.events import (
    Accepted,
    Acknowledged,
    Body,
    Event,
    Failed,
    Held,
    Queued,
    RetryScheduled,
    Suppressed,
    Withheld,
)
from streams.rules.phase import STATUS, Rank, outranks, rank

REMEMBERED = 20_000
"""Notifications whose rank is known, so that nothing goes back."""


class Change(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag="STATUS"):
    """What became of a notification. `job` is told with the first change of one."""

    notification_id: str
    status: str
    at: str
    attempts: int | None = None
    last_error: str | None = None
    lane: str | None = None
    acknowledged_at: str | None = None
    reason: str | None = None
    held_until: str | None = None
    job: dict[str, Any] | None = None

    def encode(self) -> bytes:
        """As JSON."""
        return msgspec.json.encode(self)


class Changes:
    """Reads the log's records one by one, in order."""

    def __init__(self) -> None:
        self._ranks: dict[str, Rank] = {}

    def read(self, value: bytes | None) -> Change | None:
        """The change; None if it is none, or not news."""
        try:
            event = decode(value)
        except (Undecodable, UnknownType):
            return None  # the read models and the dead letters tell of it
        body = event.body
        if isinstance(body, Suppressed):
            return _change(event, "suppressed", reason=body.reason, job=_job(event, body))
        if isinstance(body, Acknowledged):
            return _change(event, "sent", acknowledged_at=iso(event.time))
        return self._moved(event)

    def _moved(self, event: Event[Body]) -> Change | None:
        new, old = rank(event.body), self._ranks.pop(event.notification, None)
        if new is None or (old is not None and not outranks(new, old)):
            if old is not None:
                self._ranks[event.notification] = old
            return None
        self._ranks[event.notification] = new if old is None else new.after(old)
        if len(self._ranks) > REMEMBERED:
            del self._ranks[next(iter(self._ranks))]
        return _told(event, STATUS[new[1]], before=None if old is None else STATUS[old[1]])


def _told(event: Event[Body], status: str, before: str | None) -> Change | None:
    match event.body:
        case Accepted() as accepted:
            return _change(event, status, job=_job(event, accepted))
        case RetryScheduled(_, _, attempts, error) | Failed(_, attempts, error):
            return _change(event, status, attempts=attempts, last_error=error)
        case Queued(_, lane, None):
            return _change(event, status, lane=lane)
        case Held(_, _, until):
            return _change(event, status, held_until=iso(until))
        case Withheld(_, reason):
            return _change(event, status, reason=reason)
        case Queued(_, lane):
            return _change(event, status, lane=lane, attempts=0)
        case _:
            return None if status == before else _change(event, status)


def _change(event: Event[Body], status: str, **more: Any) -> Change:  # noqa: ANN401 - the fields of a Change
    return Change(event.notification, status, iso(event.time), **more)


def _job(event: Event[Body], body: Accepted | Suppressed) -> dict[str, Any]:
    personal = body.request.personal
    return {
        "type": body.request.channel,
        "recipient": personal.recipient,
        "message": personal.message,
        "priority": body.priority,
        "maxAttempts": body.request.max_attempts,
        "createdAt": iso(event.time),
    }
