"""Changelog records in, states by key out, and back: what a processor remembers of the partitions it owns.

A row is `{v, at, state}` under the table key: `at` is the source offset of the last event that changed the state, and
`key` that event's record key while the state waits for a time. *Applied up to* stands under a reserved key. A removed
key is a tombstone whose header carries the `at` it removes.

Loading is the reverse, and robust against a zombie, a worker that was stopped and wrote old rows after its partitions
had moved: the newest `at` wins, not the last record; a row below an *applied up to* that came before it is old; a
tombstone removes nothing newer than it knew. That holds while compaction has not removed the newer record, which is why
the changelogs have a compaction lag of minutes.
"""

import heapq
import time
from collections.abc import Container, Iterator
from datetime import datetime
from typing import Any, Generic

import msgspec

from streams.exits import Refused
from streams.folding.rule import Rule, StateT
from streams.record import Record

RESERVED = b"\x00"
"""No table key starts so."""
APPLIED = RESERVED + b"applied"


class Entry(msgspec.Struct, Generic[StateT], gc=False):
    """A state as it is kept in memory, with what the heaps go by."""

    state: StateT
    at: int
    record_key: bytes
    due: datetime | None
    expires: datetime | None
    seen: float = 0.0
    """`time.monotonic()` when this process took it up: how long it has waited, whatever the wall clocks say."""


class _Row(msgspec.Struct, omit_defaults=True, gc=False):
    v: int
    at: int
    state: Any
    key: str = ""


class _RawRow(_Row, omit_defaults=True, gc=False):
    state: msgspec.Raw


class _Applied(msgspec.Struct, omit_defaults=True):
    applied: int
    fresh: bool = False
    rebuilding: bool = False


_row_decoder = msgspec.json.Decoder(_RawRow)
_encoder = msgspec.json.Encoder()


class Rows(Generic[StateT]):
    """How the states of one rule are written and read."""

    def __init__(self, rule: Rule[StateT], topic: str) -> None:
        self.topic = topic
        self._rule = rule
        self._states = msgspec.json.Decoder(rule.state)

    def entry(self, state: StateT, at: int, record_key: bytes) -> Entry[StateT]:
        """A state that an event at offset `at` led to."""
        due = self._rule.due(state)
        return Entry(state, at, b"" if due is None else record_key, due, self._rule.expires(state))

    def row(self, partition: int, key: bytes, entry: Entry[StateT]) -> Record:
        """The changelog record of a state."""
        row = _Row(self._rule.version, entry.at, entry.state, entry.record_key.decode("latin-1"))
        return Record(self.topic, key, _encoder.encode(row), partition)

    def tombstone(self, partition: int, key: bytes, at: int) -> Record:
        """The changelog record that ends a key."""
        return Record(self.topic, key, None, partition, str(at))

    def applied(self, partition: int, offset: int, *, fresh: bool = False) -> Record:
        """The changelog record that says up to which source offset (exclusive) the rows before it go."""
        return Record(self.topic, APPLIED, _encoder.encode(_Applied(offset, fresh)), partition)

    def rebuilding(self, partition: int) -> Record:
        """The changelog record before a rebuild's rows: the table is no good until an `applied` comes."""
        return Record(self.topic, APPLIED, _encoder.encode(_Applied(0, rebuilding=True)), partition)

    def read(self, value: bytes) -> Entry[StateT]:
        """Raises `Refused` for a row of another version."""
        row = _row_decoder.decode(value)
        if row.v != self._rule.version:
            raise Refused(
                f"{self.topic}: expected rows of version {self._rule.version}, got {row.v}: "
                "run the program that wrote them, or rebuild the table (./tidings recover)"
            )
        return self.entry(self._states.decode(row.state), row.at, row.key.encode("latin-1"))


class Shard(Generic[StateT]):
    """The table of one partition."""

    def __init__(self, rows: Rows[StateT], partition: int) -> None:
        self.entries: dict[bytes, Entry[StateT]] = {}
        self.applied: int | None = None
        self.fresh = False
        self.rebuilding = False
        self.stragglers = 0
        self.watermark: datetime | None = None
        self._rows = rows
        self._partition = partition
        self._expiring: list[tuple[datetime, bytes]] = []

    def load(self, key: bytes, value: bytes | None, identity: str) -> None:
        """Take in the next changelog record; `identity` is its header `id`."""
        if key == APPLIED:
            self._load_applied(msgspec.json.decode(value or b"", type=_Applied))
        elif value is None:
            known = self.entries.get(key)
            if known is not None and known.at <= int(identity):
                del self.entries[key]
        else:
            self._load_row(key, self._rows.read(value))

    def put(self, key: bytes, entry: Entry[StateT]) -> None:
        """Keep a state whose row the broker has."""
        entry.seen = time.monotonic()
        self.entries[key] = entry
        if entry.expires is not None:
            heapq.heappush(self._expiring, (entry.expires, key))

    def see(self, time: datetime) -> None:
        """Let the watermark follow the events' time."""
        if self.watermark is None or time > self.watermark:
            self.watermark = time

    def ripe(self, committed: int, limit: int, changing: Container[bytes]) -> Iterator[tuple[bytes, int]]:
        """Up to `limit` keys to be forgotten, each once and with its `at`; not those that are `changing` just now.

        Only keys that no replay can reach any more: a replay starts at the committed offset at the earliest, and would
        take an event of a forgotten key for the first of a new one.
        """
        while self._expiring and limit and self.watermark is not None and self._expiring[0][0] <= self.watermark:
            expires, key = self._expiring[0]
            entry = self.entries.get(key)
            if entry is not None and entry.expires == expires and key not in changing:
                if entry.at >= committed:
                    return
                limit -= 1
                yield key, entry.at
            while self._expiring and self._expiring[0] == (expires, key):  # once for each change that left it so
                heapq.heappop(self._expiring)

    def _load_applied(self, read: _Applied) -> None:
        self.fresh = read.fresh and (self.fresh or self.applied is None)
        self.rebuilding = read.rebuilding
        self.applied = max(read.applied, self.applied or 0)

    def _load_row(self, key: bytes, entry: Entry[StateT]) -> None:
        known = self.entries.get(key)
        if entry.at < (self.applied or 0) or (known is not None and entry.at < known.at):
            self.stragglers += 1
        else:
            self.put(key, entry)
