"""What could not be handled goes in with where it came from, a dead letter record comes out: pure.

A dead letter is a CloudEvent of its own type on topic `dead-letters`. Its id comes from the source's coordinates (a
queue has none: from the body), so that a repeat after a crash is the same letter.
"""

import base64
import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from streams.record import Record
from streams.topics import DEAD_LETTERS

TYPE = "tidings.dead-letter.v1"
KEPT_WHOLE = 256 * 1024
"""Bytes of an original that is kept as it came; of a larger one the first `KEPT_OF_LARGE` bytes and the hash."""
KEPT_OF_LARGE = 64 * 1024

Reason = Literal["undecodable", "unknown-type", "invalid", "oversized", "too-old", "unroutable", "rule-failed"]
"""`undecodable`: not an event or message at all. `unknown-type`: a kind we don't take. `invalid`: breaks the schema.
`oversized`: it, or what it leads to, is above a size limit. `too-old`: a redelivery past the id horizon. `unroutable`:
nowhere to send it. `rule-failed`: our own rule raised on it: a bug, to be redriven once mended."""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the original lay: a topic with its coordinates, or a queue by name alone."""

    name: str
    partition: int | None = None
    offset: int | None = None


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `data` of a dead letter; `size` in bytes and `sha256` are those of the whole original."""

    reason: Reason
    stage: str
    error: str
    source: Source
    size: int
    sha256: str
    key: str | None = None
    original: str | None = None
    truncated: bool = False


class _Envelope(msgspec.Struct):
    id: str
    source: str
    subject: str
    time: datetime
    data: Letter
    type: str = TYPE
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


def dead_letter(  # noqa: PLR0913 - a letter has that many facts, all named at the call
    *,
    reason: Reason,
    stage: str,
    error: str,
    source: Source,
    key: bytes | None,
    body: bytes | None,
    time: datetime,
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
    )
    identity = _identity(source, digest)
    envelope = _Envelope(identity, stage, identity, time, letter)
    return Record(DEAD_LETTERS, identity.encode(), msgspec.json.encode(envelope), id=identity)


def _identity(source: Source, digest: str) -> str:
    if source.partition is None or source.offset is None:
        return f"dead:{source.name}:{digest}"
    return f"dead:{source.name}:{source.partition}.{source.offset}"
