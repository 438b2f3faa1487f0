"""What could not be handled goes in with where it came from, a dead letter record comes out: pure.

A dead letter is a CloudEvent of its own type on topic `dead-letters`. Its id comes from the source's coordinates (a
queue has none: from the message's id and body), so that a repeat after a crash is the same letter, and two stages that
give up the same record write the same one.
"""

import base64
import hashlib
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from streams.codec import Undecodable
from streams.events import Instant
from streams.record import Record
from streams.topics import DEAD_LETTERS

KEPT_WHOLE = 256 * 1024
"""Bytes of an original that is kept as it came; of a larger one the first `KEPT_OF_LARGE` bytes and the hash."""
KEPT_OF_LARGE = 64 * 1024

Reason = Literal["undecodable", "invalid", "oversized", "too-old", "rule-failed"]
"""`undecodable`: not an event or message at all. `invalid`: breaks the schema, or does not belong where it lies.
`oversized`: it, or what it leads to, is above a size limit. `too-old`: a redelivery past the id horizon. `rule-failed`:
our own rule raised on it: a bug, to be redriven once mended."""

Name = Annotated[str, Meta(pattern=r"^[\w.-]{1,249}$")]
"""Of a topic or a queue; 249 characters are Kafka's limit."""
Stage = Annotated[str, Meta(pattern=r"^[\w-]{1,249}$")]
Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the original lay: a topic with its coordinates, or a queue by name alone."""

    name: Name
    partition: Whole | None = None
    offset: Whole | None = None


class Properties(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an AMQP message is known by, as its producer set it; `time` is the value of `requests.TIME_HEADER`."""

    message_id: str | None = None
    app_id: str | None = None
    correlation_id: str | None = None
    timestamp: datetime | None = None
    time: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `data` of a dead letter; `size` in bytes and `sha256` are those of the whole original.

    `key` and `original` are in base64. `properties` are those of a message from a queue.
    """

    reason: Reason
    stage: Stage
    error: str
    source: Source
    size: Whole
    sha256: str
    key: str | None = None
    original: str | None = None
    truncated: bool = False
    properties: Properties | None = None


class Report(NamedTuple):
    """A letter in its envelope: one stage's word on one original."""

    id: str
    time: datetime
    letter: Letter


class Consumed(Protocol):
    """A record that was read, as far as its letter tells of it."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102


class _Envelope(msgspec.Struct):
    id: Annotated[str, Meta(pattern=r"^dead:[^\s/]+$", max_length=400)]
    source: str
    subject: str
    time: Instant
    data: Letter
    type: Literal["tidings.dead-letter.v1"] = "tidings.dead-letter.v1"
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


class _Why(msgspec.Struct):
    reason: Reason


class _Hint(msgspec.Struct):
    data: _Why


_decoder = msgspec.json.Decoder(_Envelope)
_hint_decoder = msgspec.json.Decoder(_Hint)


def dead_letter(  # noqa: PLR0913 - a letter has that many facts, all named at the call
    *,
    reason: Reason,
    stage: str,
    error: str,
    source: Source,
    key: bytes | None,
    body: bytes | None,
    time: datetime,
    properties: Properties | None = None,
) -> Record:
    """The record for topic `dead-letters`; `stage` is the processor that gave up, `error` says why in words."""
    whole = body or b""
    digest = hashlib.sha256(whole).hexdigest()
    kept = whole if len(whole) <= KEPT_WHOLE else whole[:KEPT_OF_LARGE]
    letter = Letter(
        reason,
        stage,
        error,
        source,
        len(whole),
        digest,
        None if key is None else base64.b64encode(key).decode(),
        None if body is None else base64.b64encode(kept).decode(),
        len(kept) < len(whole),
        properties,
    )
    identity = _identity(source, whole, properties)
    envelope = _Envelope(identity, stage, identity, time, letter)
    return Record(DEAD_LETTERS, identity.encode(), msgspec.json.encode(envelope), id=identity)


def letter_about(record: Consumed, reason: Reason, stage: str, error: str, time: datetime) -> Record:
    """The dead letter of a record that was read: the same one however often it is given up."""
    source = Source(record.topic, record.partition, record.offset)
    return dead_letter(
        reason=reason, stage=stage, error=error, source=source, key=record.key, body=record.value, time=time
    )


def read(value: bytes | None) -> Report:
    """The letter in a record of that topic. Raises `Undecodable`."""
    try:
        envelope = _decoder.decode(value or b"")
        for text in (envelope.data.original, envelope.data.key):
            base64.b64decode(text or "", validate=True)
    except (ValueError, RecursionError) as error:  # msgspec's and base64's errors are some
        raise Undecodable(f"expected a dead letter, got {(value or b'')[:80]!r}: {error}") from error
    return Report(envelope.id, envelope.time, envelope.data)


def reason(value: bytes | None) -> Reason | Literal["unknown"]:
    """Why there is this letter, for counting: never fails, since it is asked when the letter has been written."""
    try:
        return _hint_decoder.decode(value or b"").data.reason
    except (ValueError, RecursionError):
        return "unknown"


def at(source: Source) -> str:
    """The id of the letter about a record at these coordinates."""
    return f"dead:{source.name}:{source.partition}.{source.offset}"


def unpacked(text: str | None) -> bytes | None:
    """What `key` or `original` of a letter stands for."""
    return None if text is None else base64.b64decode(text)


def _identity(source: Source, whole: bytes, properties: Properties | None) -> str:
    """Trap: two messages with equal bodies but ids of their own are two; the bridge takes those without for one."""
    if source.partition is not None and source.offset is not None:
        return at(source)
    message_id = (properties.message_id if properties else None) or ""
    return f"dead:{source.name}:{hashlib.sha256(message_id.encode() + whole).hexdigest()}"
