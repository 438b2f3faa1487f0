"""The schema check behind every way in: the bytes of a request go in, its checked fields or all its faults come out. Pure.

`api` asks before it publishes, and `bridge` asks again, since any AMQP producer may write to its queues. What passes
can be stored: no lone surrogates, and in `metadata` no integer, key or depth that BSON refuses.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, get_args

import msgspec

from streams.events import ACTIVITIES, Activity, Channel, Priority

DELIVERABLE: tuple[Channel, ...] = ("email", "sms", "push")
"""The types a `POST /api/notifications` may ask for."""
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
MAX_DEPTH = 64
"""Of `metadata`; MongoDB stops at 100 levels, of which the document around it needs some."""
MAX_INTEGER = 2**63
"""BSON's integers have 64 bits, sign included."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Fault(NamedTuple):
    """What is wrong with one field, to be read after its name."""

    field: str
    message: str


class Undecodable(ValueError):
    """Not a JSON object in UTF-8."""


class Invalid(ValueError):
    """A JSON object that is not a request: its text says why, `faults` says it for each field."""

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class Delivery(NamedTuple):
    """The checked body of a message on `notification-jobs`, and of `POST /api/notifications`."""

    type: Channel
    recipient: str
    message: str
    metadata: dict[str, Any] | None
    priority: Priority | None
    id: str | None


class Doing(NamedTuple):
    """The checked body of a message on `notification.event`: who did what to whom. FOLLOW has no post."""

    type: Activity
    actor: str
    target: str
    post: str | None
    time: datetime | None
    id: str | None


def delivery(body: bytes) -> Delivery:
    """The fields of a request to deliver something. Raises `Undecodable` or `Invalid`."""
    fields = _object(body)
    if fields.keys() == {"jobId"}:
        msg = "{jobId} points into its sender's database, which is not ours: send type, recipient and message instead"
        raise Invalid(msg)
    _refuse(
        "type, recipient and message are required",
        *_choice(fields, "type", DELIVERABLE),
        *_texts(fields, "recipient", "message"),
        *_metadata(fields.get("metadata")),
        *_choice(fields, "priority", PRIORITIES, optional=True),
        *_texts(fields, "id", optional=True),
    )
    return Delivery(
        fields["type"],
        fields["recipient"],
        fields["message"],
        fields.get("metadata"),
        fields.get("priority"),
        fields.get("id"),
    )


def doing(body: bytes) -> Doing:
    """The fields of a social event. Raises `Undecodable` or `Invalid`."""
    fields = _object(body)
    required = ("actorId", "targetId") if fields.get("type") == "FOLLOW" else ("actorId", "targetId", "postId")
    stated = fields.get("timestamp")
    time = _time(stated)
    _refuse(
        f"type, {', '.join(required[:-1])} and {required[-1]} are required",
        *_choice(fields, "type", ACTIVITIES),
        *_texts(fields, *required),
        *([] if stated is None or time else [Fault("timestamp", "must be ISO 8601, or milliseconds since 1970")]),
        *_texts(fields, "id", optional=True),
    )
    post = fields["postId"] if "postId" in required else None
    return Doing(fields["type"], fields["actorId"], fields["targetId"], post, time, fields.get("id"))


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        msg = f"the body must be a JSON object in UTF-8: {error}"
        raise Undecodable(msg) from error
    if not isinstance(fields, dict):
        msg = f"the body must be a JSON object, got {_kind(fields)}"
        raise Undecodable(msg)
    return fields


REQUIRED = "is required"


def _refuse(required: str, *faults: Fault) -> None:
    """Raises `Invalid` if there are faults; something missing is told first, in the reference's words."""
    if faults:
        missing = any(fault.message == REQUIRED for fault in faults)
        raise Invalid(required if missing else "; ".join(map(" ".join, faults)), faults)


def _texts(fields: dict[str, Any], *names: str, optional: bool = False) -> Iterator[Fault]:
    for name in names:
        value = fields.get(name)
        if value is None or value == "":
            if not optional:
                yield Fault(name, REQUIRED)
        elif not isinstance(value, str):
            yield Fault(name, f"must be a string, got {_kind(value)}")


def _choice(fields: dict[str, Any], name: str, allowed: tuple[str, ...], *, optional: bool = False) -> Iterator[Fault]:
    value = fields.get(name)
    if value is None or value == "":
        if not optional:
            yield Fault(name, REQUIRED)
    elif not isinstance(value, str) or value not in allowed:
        yield Fault(name, f"must be one of {', '.join(allowed)}")


def _metadata(value: object) -> Iterator[Fault]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield Fault("metadata", f"must be an object, got {_kind(value)}")
        return
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [inner for outer in level for inner in _inside(outer)]
    ...
