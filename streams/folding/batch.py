"""Outcomes go in, one after the other; the records of a batch come out, in the order they are written. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic

from streams.folding.outcome import Change, Outcome
from streams.folding.rule import SHARED, Incoming, StateT
from streams.folding.table import Entry, Rows, Shard
from streams.record import Record
from streams.topics import DEAD_LETTERS, OPERATIONS

SPARE_TOMBSTONES = 16
"""Keys forgotten in a batch beyond one an event, so that a backlog of finished keys melts."""


@dataclass(slots=True)
class Part(Generic[StateT]):
    """What a batch does to one partition: the offsets before and after it, and the table's changes."""

    first: int
    done: int
    changes: dict[bytes, Change[StateT]] = field(default_factory=dict)
    tombstones: dict[bytes, int] = field(default_factory=dict)


class Batch(Generic[StateT]):
    """Events decided together. Later ones see the states that earlier ones led to."""

    def __init__(self, rows: Rows[StateT], shards: Mapping[int, Shard[StateT]]) -> None:
        self.log: list[Record] = []
        self.lanes: list[Record] = []
        self.parts: dict[int, Part[StateT]] = {}
        self._rows, self._shards = rows, shards

    def entry(self, partition: int, key: bytes) -> Entry[StateT] | None:
        """The state of a key as of the last event added."""
        part = self.parts.get(partition)
        change = part.changes.get(key) if part is not None else None
        return change.entry if change is not None else self._shards[partition].entries.get(key)

    def add(self, record: Incoming, outcome: Outcome[StateT]) -> None:
        """Take in what a record leads to."""
        part = self.parts.get(record.partition)
        if part is None:
            part = self.parts[record.partition] = Part(record.offset, record.offset)
        part.done = record.offset + 1
        self.log += outcome.log
        self.lanes += outcome.lanes
        if outcome.change is not None:
            part.changes[outcome.change.key] = outcome.change
        if outcome.time is not None:
            self._shards[record.partition].see(outcome.time)

    def forget(self, committed: Mapping[int, int]) -> None:
        """Choose keys to be forgotten; `committed` are the offsets the broker has accepted, by partition."""
        for partition, part in self.parts.items():
            limit = part.done - part.first + SPARE_TOMBSTONES
            ripe = self._shards[partition].ripe(committed.get(partition, 0), limit, part.changes)
            part.tombstones.update(ripe)

    def changelog(self) -> list[Record]:
        """By partition: rows and tombstones, then *applied up to*, last so that it never promises too much.

        Trap: `SHARED` rows come after the others, see there.
        """
        records: list[Record] = []
        for partition, part in self.parts.items():
            if part.changes or part.tombstones:
                changes = sorted(part.changes.values(), key=lambda change: change.key.startswith(SHARED))
                records += [change.row for change in changes]
                records += [self._rows.tombstone(partition, key, at) for key, at in part.tombstones.items()]
                records.append(self._rows.applied(partition, part.done))
        return records

    def kinds(self) -> Iterator[str]:
        """Of the events it writes. Dead letters and operations have ids of other forms, with what is told in them."""
        for record in self.log:
            if record.topic not in (DEAD_LETTERS, OPERATIONS):
                yield record.id.rsplit(":", 2)[1]

    def keep(self) -> None:
        """Change the table: the broker has the changelog."""
        for partition, part in self.parts.items():
            shard = self._shards[partition]
            for change in part.changes.values():
                shard.put(change.key, change.entry)
            for key in part.tombstones:
                shard.entries.pop(key, None)
            if part.changes or part.tombstones:
                shard.applied = part.done
