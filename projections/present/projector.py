"""Takes records of the log, in order per partition, into the read models; knows what is stored and where to go on.

The order of a batch: documents, durably; dead letters; positions. A crash in between leaves documents that are ahead of
their position, and the same events, folded again from the position, change nothing in them (see `jobs` for the
counters, `mongo` for servers that lose their tail and writers that wake up late).
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiokafka import TopicPartition
from msgspec.structs import replace

from projections.mongo.errors import Conflict, Culprit, Unstorable
from projections.mongo.positions import Positioned, Positions, Track
from projections.position import Document, Position
from projections.present import jobs, preferences, story
from projections.present.batch import JobWrites, fold, moving
from projections.present.cache import Cache
from projections.present.store import Store
from projections.reading import ASTRAY, Item, Raw, Sorted, letter, sort_out
from streams.events import Accepted, Repeated, Suppressed
from streams.record import Record

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """Records that were taken together: the items that will be folded, and the letters that will be written instead.

    `whole` is all that was read. Letters are of those past `told`, up to which somebody has written them before.
    """

    records: Sequence[Raw]
    whole: Sorted
    items: list[Item]
    letters: list[Record]

    @classmethod
    def of(cls, records: Sequence[Raw], told: Mapping[int, int]) -> "Batch":
        """Decode them."""
        whole = sort_out(records)
        letters = [dead for record, dead in whole.letters if record.offset > told[record.partition]]
        return cls(records, whole, whole.items, letters)

    def newest(self, partition: int) -> datetime | None:
        """When the newest of the notifications that begin in this batch was created."""
        times = (
            event.time
            for event, place in self.items
            if place.partition == partition and isinstance(event.body, Accepted | Suppressed)
        )
        return max(times, default=None)

    def answered(self) -> list[str]:
        """The notifications that have been decided about in this batch, perhaps not for the first time."""
        return [
            event.notification for event, _ in self.items if isinstance(event.body, Accepted | Suppressed | Repeated)
        ]

    def give_up(self, culprits: set[Culprit], why: str) -> None:
        """Dead letters for their events in this batch, instead of effects."""
        lost = [item for item in self.items if item.event.notification in culprits or item.place in culprits]
        places = {item.place for item in lost}
        self.items = [item for item in self.items if item.place not in places]
        self.letters += self.letters_for(lost, why)

    def letters_for(self, items: Sequence[Item], why: str) -> list[Record]:
        """Their dead letters."""
        if not items:
            return []
        log.error("%d events go to the dead letters, the first is %s: %s", len(items), items[0].event.id, why)
        places = {item.place for item in items}
        return [letter(raw, "invalid", why) for raw in self.records if (raw.partition, raw.offset) in places]


class Sink(Protocol):
    """Where dead letters go."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Returns once they are there."""


class PresentProjector(Positioned[Position]):
    """The store's copies of some read models of the family `present`; `positions` are theirs.

    `fresh`: notifications of whose birth we read are taken to be new, without a look; where one is not, since a run was
    killed or an id came again, all of that batch are looked up.
    """

    def __init__(self, store: Store, positions: Positions[Position], publisher: Sink, *, fresh: bool = False) -> None:
        super().__init__(positions)
        self._store, self._publisher, self._fresh = store, publisher, fresh
        self._cache = Cache()
        self.written = 0
        """Documents written."""
        self.skipped = 0
        """Events of types that are not known here."""

    async def open(self, partitions: Sequence[int]) -> dict[TopicPartition, int]:
        """Drop all that is held and take the partitions over: the first offset to take, by partition.

        Raises `Refused` if the read models are of another log or version, `Unavailable`, `Conflict`.
        """
        self._cache.clear()
        await self._positions.take_over(partitions)
        return self.following()

    async def project(self, records: Sequence[Raw]) -> list[str]:
        """Take these into the read models; returns the notifications whose requests they answer.

        Raises as `Store` does.
        """
        batch = Batch.of(records, told=self._positions.furthest())  # letters are written before any copy moves on
        fresh = self._fresh
        while True:
            try:
                await self._store_batch(batch, fresh=fresh)
                self.skipped += len(batch.whole.unknown)
                return batch.answered()
            except Unstorable as error:
                batch.give_up(error.culprits, str(error))
            except Conflict:
                if not fresh:
                    raise
                fresh = False
            self._cache.clear()  # some of it may have been written

    async def _store_batch(self, batch: Batch, *, fresh: bool) -> None:
        writes = await self._fold(batch, fresh=fresh)
        entries = self._entries(batch)
        preferred = self._preferred(batch)
        await self._store.write(writes.documents, writes.updates, entries)
        await self._store.prefer(preferred)
        self.written += len(writes.documents) + len(writes.updates) + len(entries) + len(preferred)
        await self._publisher.publish(batch.letters + batch.letters_for(writes.astray, ASTRAY))
        await self._advance(batch, writes)
        self._cache.keep(writes.standings)

    async def _fold(self, batch: Batch, *, fresh: bool) -> JobWrites:
        if jobs.PROJECTION not in self._store.names:
            return JobWrites()
        stored = self._stored(jobs.PROJECTION, batch)
        items = moving(batch.items, stored)
        return fold(items, await self._known(items, new=_born(items) if fresh else set()), stored, batch.whole.reached)

    async def _known(self, items: Iterable[Item], new: set[str]) -> dict[str, jobs.Standing]:
        touched = {item.event.notification for item in items}
        held = self._cache.find(touched)
        found = await self._store.standings(list(touched - held.keys() - new))
        positions = self._positions.of(self._store.names[jobs.PROJECTION])
        for standing in found.values():
            ours = positions.get(standing.partition)
            if ours is not None and (standing.epoch or 0) > (ours.epoch or 0):
                raise Conflict(f"somebody else has taken over partition {standing.partition}")
        return held | found

    def _entries(self, batch: Batch) -> list[Document]:
        if story.PROJECTION not in self._store.names:
            return []
        stored = self._stored(story.PROJECTION, batch)
        entries: dict[str, Document] = {}
        for event, place in batch.items:
            if place.offset > stored[place.partition].offset and (entry := story.entry(event, place)):
                entries.setdefault(entry["_id"], entry)
        return list(entries.values())

    def _preferred(self, batch: Batch) -> list[Document]:
        if preferences.PROJECTION not in self._store.names:
            return []
        stored = self._stored(preferences.PROJECTION, batch)
        return preferences.newest(
            item for item in batch.items if item.place.offset > stored[item.place.partition].offset
        )

    async def _advance(self, batch: Batch, writes: JobWrites) -> None:
        await self._positions.advance(
            {
                Track(name, partition): self._moved(projection, partition, old, batch, writes)
                for projection, name in self._store.names.items()
                for partition, old in self._stored(projection, batch).items()
                if old.offset < batch.whole.reached[partition]
            }
        )

    @staticmethod
    def _moved(projection: str, partition: int, old: Position, batch: Batch, writes: JobWrites) -> Position:
        moved = batch.whole.moved(partition, old)
        if projection != jobs.PROJECTION:
            return moved
        counts = Counter(old.counts)
        counts.update(writes.counts.get(partition, {}))
        newest = max(filter(None, (old.newest, batch.newest(partition))), default=None)
        return replace(moved, counts={status: count for status, count in counts.items() if count}, newest=newest)

    def _stored(self, projection: str, batch: Batch) -> dict[int, Position]:
        held = self._positions.of(self._store.names[projection])
        return {partition: held[partition] for partition in batch.whole.reached}


def _born(items: Iterable[Item]) -> set[str]:
    return {item.event.notification for item in items if isinstance(item.event.body, Accepted | Suppressed)}
