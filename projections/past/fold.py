"""Takes records of the log, in order per partition, into the stories and the sums; knows what is stored."""

from collections.abc import Collection, Sequence
from typing import Any

from aiokafka import TopicPartition
from msgspec.structs import replace

from projections.mongo.positions import Positioned, Positions, Track
from projections.past import tallies
from projections.past.history import History, folded, told
from projections.past.store import PastStore
from projections.position import Document, Position
from projections.reading import Raw, Sorted, sort_out
from projections.writes import Writes
from streams.clock import to_millisecond

KEPT = 8_000
"""Stories, of 3.5 kB each: those of the last 10 s at 833/s, when most have come to their end; others are read again."""
SUMS_KEPT = 2000


class PastProjector(Positioned[Position]):
    """Both read models, which share a position."""

    def __init__(self, store: PastStore, positions: Positions[Position]) -> None:
        super().__init__(positions)
        self._store = store
        self._histories: dict[str, History] = {}
        self._sums: dict[str, Document] = {}
        self.written = self.skipped = 0

    async def open(self, partitions: Sequence[int]) -> dict[TopicPartition, int]:
        """Drop all that is held and read the positions: the first offset to take, by partition.

        Raises `Refused` if the read models are of another log or version, `Unavailable`, `Conflict`.
        """
        self._histories.clear()
        self._sums.clear()
        await self._positions.open(partitions)
        return self.following()

    async def project(self, records: Sequence[Raw]) -> list[str]:
        """Take these in. What can't be read is left to NotificationJob's loop, and so are answers.

        Raises as `PastStore` does.
        """
        whole = sort_out(records)
        items = told(whole.items)
        before = await self._held({item.event.notification for item in items})
        after, moved = folded(before, items)
        wanted = {key: one for part, some in moved.items() for key, one in tallies.touched(part, some).items()}
        sums = tallies.fold(wanted, await self._sums_of(wanted))
        await self._store.write(sums, before, after)
        await self._advance(whole)
        self._keep(before | after, sums)
        self.written += len(after) + len(sums.documents) + len(sums.updates)
        self.skipped += len(whole.unknown)
        return []

    async def _held(self, subjects: set[str]) -> dict[str, History]:
        held = {name: self._histories[name] for name in subjects if name in self._histories}
        return held | await self._store.histories(subjects - held.keys())

    async def _sums_of(self, names: Collection[str]) -> dict[str, Document]:
        missing = [name for name in names if name not in self._sums]
        held = {name: self._sums[name] for name in names if name in self._sums}
        return held | await self._store.sums(missing)

    async def _advance(self, whole: Sorted) -> None:
        old = self._positions.of(self._store.name)
        newest = {part: old[part].newest for part in whole.reached}
        for event, place in whole.items:
            known, time = newest[place.partition], to_millisecond(event.time)
            newest[place.partition] = time if known is None else max(known, time)
        await self._positions.advance(
            {
                Track(self._store.name, part): replace(whole.moved(part, old[part]), newest=newest[part])
                for part, offset in whole.reached.items()
                if old[part].offset < offset  # a copy may be ahead of one that is written after it
            }
        )

    def _keep(self, histories: dict[str, History], sums: Writes) -> None:
        for name, one in histories.items():
            self._histories.pop(name, None)
            self._histories[name] = one
        for document in sums.documents:
            self._sums[document["_id"]] = document
        for update in sums.updates:
            self._sums[update.id] = self._sums.get(update.id, {}) | update.changes
        _forget(self._histories, KEPT)
        _forget(self._sums, SUMS_KEPT)


def _forget(held: dict[str, Any], kept: int) -> None:
    """Those that were not touched for longest."""
    for name in list(held)[: max(len(held) - kept, 0)]:
        del held[name]
