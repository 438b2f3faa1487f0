"""The schema check behind every way in: the bytes of a body in, its checked fields or all its faults out. Pure.

`api` asks before it publishes, and `bridge` asks again, since any AMQP producer may write to its queues. What passes
can be stored: it has no lone surrogates, and its `metadata` no integer, key or depth that BSON refuses.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_args

import msgspec

from streams.clock import from_milliseconds
from streams.events import ACTIVITIES, DIRECT, Activity, Channel, Priority

PRIORITIES: tuple[Priority, ...] = get_args(Priority)
MAX_DEPTH = 64
"""Levels of `metadata`; MongoDB stops at 100, of which the document around it needs some."""
MAX_INTEGER = 2**63
"""BSON's integers have 64 bits, the sign included."""

REQUIRED = "is required"
BAD_TIME = "must be a time in ISO 8601, or milliseconds since 1970"

Fields = dict[str, Any]


class Fault(NamedTuple):
    """What is wrong with a field: reads as a sentence after its name."""

    field: str
    message: str


class NotAnObject(ValueError):
    """The body is no JSON object in UTF-8."""


class Invalid(ValueError):
    """The body is a JSON object but no request: the text says why, `faults` field by field."""

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class DeliveryBody(NamedTuple):
    """Of `POST /api/notifications`, and of a message on `notification-jobs`."""

    type: Channel
    recipient: str
    message: str
    metadata: Fields | None
    priority: Priority | None
    id: str | None


class SocialBody(NamedTuple):
    """Of a message on `notification.event`: who did what to whom. Only FOLLOW has no post."""

    type: Activity
    actor: str
    target: str
    post: str | None
    time: datetime | None
    id: str | None


def check_delivery(body: bytes) -> DeliveryBody:
    """The fields of a request to deliver something. Raises `NotAnObject` or `Invalid`."""
    fields = _object(body)
    if fields.keys() == {"jobId"}:
        raise Invalid("a jobId alone points into its sender's own database: send type, recipient and message instead")
    _refuse(
        "type, recipient and message are required",
        *_choice(fields, "type", DIRECT),
        *_texts(fields, ("recipient", "message")),
        *_metadata(fields.get("metadata")),
        *_choice(fields, "priority", PRIORITIES, optional=True),
        *_texts(fields, ("id",), optional=True),
    )
    return DeliveryBody(
        fields["type"],
        fields["recipient"],
        fields["message"],
        fields.get("metadata"),
        fields.get("priority") or None,
        fields.get("id") or None,
    )


def check_social(body: bytes) -> SocialBody:
    """The fields of a social event. Raises `NotAnObject` or `Invalid`."""
    fields = _object(body)
    required = ("actorId", "targetId") if fields.get("type") == "FOLLOW" else ("actorId", "targetId", "postId")
    stated = fields.get("timestamp")
    time = _time(stated)
    _refuse(
        f"type, {', '.join(required[:-1])} and {required[-1]} are required",
        *_choice(fields, "type", ACTIVITIES),
        *_texts(fields, required),
        *([Fault("timestamp", BAD_TIME)] if stated is not None and time is None else []),
        *_texts(fields, ("id",), optional=True),
    )
    post = fields["postId"] if "postId" in required else None
    return SocialBody(fields["type"], fields["actorId"], fields["targetId"], post, time, fields.get("id") or None)


def _object(body: bytes) -> Fields:
    try:
        fields = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise NotAnObject(f"the body must be a JSON object in UTF-8: {error}") from error
    if not isinstance(fields, dict):
        raise NotAnObject(f"the body must be a JSON object, got {_kind(fields)}")
    return fields


def _refuse(required: str, *faults: Fault) -> None:
    """Raises `Invalid` if there is a fault. What is missing is told first, in the reference's words."""
    if faults:
        missing = any(fault.message == REQUIRED for fault in faults)
        raise Invalid(required if missing else "; ".join(map(" ".join, faults)), faults)


def _choice(fields: Fields, name: str, allowed: tuple[str, ...], *, optional: bool = False) -> Iterator[Fault]:
    value = fields.get(name)
    if value is None or value == "":
        if not optional:
            yield Fault(name, REQUIRED)
    elif value not in allowed:
        yield Fault(name, f"must be one of {', '.join(allowed)}")


def _texts(fields: Fields, names: Iterable[str], *, optional: bool = False) -> Iterator[Fault]:
    for name in names:
        value = fields.get(name)
        if value is None or value == "":
            if not optional:
                yield Fault(name, REQUIRED)
        elif not isinstance(value, str):
            yield Fault(name, f"must be a string, got {_kind(value)}")


def _metadata(value: object) -> Iterator[Fault]:
    if isinstance(value, dict):
        trouble = _unstorable(value)
        if trouble:
            yield Fault("metadata", trouble)
    elif value is not None:
        yield Fault("metadata", f"must be an object, got {_kind(value)}")


def _unstorable(value: object, depth: int = 1) -> str | None:
    """Why BSON could not hold a JSON value, if so."""
    inside: Iterable[object]
    match value:
        case int() if not -MAX_INTEGER <= value < MAX_INTEGER:
            return "must not hold an integer of more than 64 bits"
        case dict():
            if any("\0" in key for key in value):
                return "must not hold a key with a NUL character"
            inside = value.values()
        case list():
            inside = value
        case _:
            return None
    if depth > MAX_DEPTH:
        return f"must not be nested deeper than {MAX_DEPTH} levels"
    return next(filter(None, (_unstorable(inner, depth + 1) for inner in inside)), None)


def _time(value: object) -> datetime | None:
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return from_milliseconds(value)
    except (ValueError, OverflowError):
        return None
    return None


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
