"""The one codec: events to CloudEvents 1.0 JSON (structured mode) and back, for every topic and every package.

Reading is strict where it protects: bytes that are no such event are `Undecodable` (a dead letter), while a well-formed
event of a type or version that this program does not know is an `UnknownType` (a processor stops, a read model skips).
"""

from datetime import UTC, datetime

import msgspec

from streams.events import KINDS, Body, Event, Instant, Text

TYPE_PREFIX = "tidings.notification."
VERSION = "v1"
MAX_REQUEST_BYTES = 256 * 1024
"""Of a request's JSON as it arrives, over HTTP and AMQP alike."""


class Undecodable(ValueError):
    """Not an event at all, or a known one with a broken body: for the dead letters."""


class UnknownType(ValueError):
    """An event from a newer program: upgrade this one before going on, since a skipped command is a lost one."""


class _Envelope(msgspec.Struct, omit_defaults=True, gc=False):
    id: Text
    source: str
    type: str
    subject: Text
    time: Instant
    correlationid: str
    tenant: str
    data: msgspec.Raw
    causationid: str | None = None
    specversion: str = ""
    datacontenttype: str = ""


_TYPES: dict[type[object], str] = {kind: f"{TYPE_PREFIX}{name}.{VERSION}" for kind, name in KINDS.items()}
_BODY_DECODERS: dict[str, msgspec.json.Decoder[Body]] = {_TYPES[kind]: msgspec.json.Decoder(kind) for kind in KINDS}
_envelope_decoder = msgspec.json.Decoder(_Envelope)
_encoder = msgspec.json.Encoder()


def encode(event: Event[Body]) -> bytes:
    """An event in its wire form."""
    return _encoder.encode(
        _Envelope(
            event.id,
            event.source,
            _TYPES[type(event.body)],
            event.notification,
            event.time,
            event.correlation,
            event.tenant,
            msgspec.Raw(_encoder.encode(event.body)),
            event.causation,
            "1.0",
            "application/json",
        )
    )


def decode(value: bytes | None) -> Event[Body]:
    """The event in these bytes. Raises `Undecodable` or `UnknownType`."""
    if value is None:
        msg = "expected a CloudEvents JSON object, got a record without a value"
        raise Undecodable(msg)
    try:
        envelope = _envelope_decoder.decode(value)
        decoder = _BODY_DECODERS.get(envelope.type)
        if decoder is not None:
            return Event(
                decoder.decode(envelope.data),
                envelope.subject,
                _in_utc(envelope.time),
                envelope.source,
                envelope.correlationid,
                envelope.causationid,
                envelope.tenant,
            )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        msg = f"expected a CloudEvents JSON object of Tidings, got {value[:80]!r}: {error}"
        raise Undecodable(msg) from error
    if not envelope.type.startswith(TYPE_PREFIX):
        msg = f"expected an event type {TYPE_PREFIX}*, got {envelope.type!r}"
        raise Undecodable(msg)
    msg = (
        f"event type {envelope.type!r} of {envelope.id!r} is not known here: upgrade this program before its producers"
    )
    raise UnknownType(msg)


def _in_utc(time: datetime) -> datetime:
    """As all here have it. Raises `OverflowError` in the year 0 or 10000, which neither Python nor MongoDB can hold."""
    return time if time.tzinfo is UTC else time.astimezone(UTC)
