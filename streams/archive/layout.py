"""What an export consists of: a folder of one file for each partition, and a manifest that is written last. Pure."""

from typing import Literal, NamedTuple

import msgspec

from streams.events import Instant
from streams.topics import DEAD_LETTERS, EVENTS, OPERATIONS

Format = Literal["parquet", "jsonl"]
MANIFEST = "manifest.json"
VERSION = 1
TOPICS = (EVENTS, DEAD_LETTERS, OPERATIONS)
"""The log, what was put aside, and what was done about it. No requests: the log has each with its outcome."""


AT_ONCE = 2000
"""Records that are read together."""


class Damaged(ValueError):
    """An export is not what it should be; the text says where."""


class Stored(NamedTuple):
    """A record as it lay on its topic; `timestamp` in milliseconds since 1970."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Part(msgspec.Struct, frozen=True):
    """One file: the records from `first` up to `end` (exclusive) of a partition, and their digest in hexadecimal."""

    file: str
    topic: str
    partition: int
    first: int
    end: int
    records: int
    digest: str


class Manifest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`since` and `until` are times of records. `digest` is the log's, as an audit of exactly these records has it."""

    format: Format
    created: Instant
    partitions: int
    parts: tuple[Part, ...]
    digest: str
    since: Instant | None = None
    until: Instant | None = None
    version: int = VERSION

    def of(self, topic: str) -> list[Part]:
        """A topic's, in the order of their partitions."""
        return sorted((part for part in self.parts if part.topic == topic), key=lambda part: part.partition)


def encoded(manifest: Manifest) -> bytes:
    """For people to read, too."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decoded(data: bytes) -> Manifest:
    """Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(data, type=Manifest)


def file_name(topic: str, partition: int, format_: Format) -> str:
    """E.g. `notification-events-0.parquet`."""
    return f"{topic}-{partition}.{format_}"
