"""Partitions come and go by rebalances; here is which ones we own, their tables, and how far each is folded.

After a rebalance the flow of events stays stopped until every gained partition has its table and its start, so the fold
never meets a partition it does not know. Another rebalance in between makes the work void: it is given up.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Generic

import faust

from streams.exits import Refused
from streams.folding.changelog import Changelog
from streams.folding.counts import Counts
from streams.folding.group import Bounds, Group
from streams.folding.position import REBUILD, Found, Start, start
from streams.folding.rule import StateT
from streams.folding.table import Rows, Shard
from streams.kafka.gaps import Gap, pass_over
from streams.kafka.publisher import Publisher

RefuseFresh = Callable[[int, Counts], Awaitable[str | None]]
"""Given a partition that was never folded: why it must not begin, or None if it may; counts what it reads."""


class Ownership(Generic[StateT]):
    """The partitions of one fold."""

    def __init__(self, app: faust.App, source: str, rows: Rows[StateT], publisher: Publisher, counts: Counts) -> None:
        self.group = Group(app, source)
        self.shards: dict[int, Shard[StateT]] = {}
        self.next: dict[int, int] = {}
        """The offset to be decided next; a partition has one only while it is ours and ready."""
        self.done: dict[int, int] = {}
        """The offset up to which everything is written: what may be committed."""
        self.refuse_fresh: RefuseFresh | None = None
        self.accept_gaps = False
        self.counts = counts
        self._source, self._rows, self._publisher = source, rows, publisher
        self._stage = str(app.conf.id)
        self._changelog = Changelog(publisher.url, rows, counts)
        self.gaining = False
        self._settled: int | None = None
        self._tenure = 0

    async def gain(self) -> bool:
        """Get ready for what is assigned; False if it was revoked meanwhile. Raises `Refused`."""
        self.gaining = True
        try:
            return await self._gain(self._tenure, self.group.generation)
        finally:
            self.gaining = False

    async def settle(self) -> None:
        """The partitions are being revoked, or we stop: commit what is done."""
        self._tenure += 1
        generation = self.group.generation
        self._settled = generation if await self.group.commit(self.done) else None
        self.next.clear()
        self.done.clear()

    async def _gain(self, tenure: int, generation: int) -> bool:
        def ours() -> bool:
            return (self._tenure, self.group.generation) == (tenure, generation)

        await self._load(generation, ours)
        starts = await self._starts() if ours() else {}
        for partition, place in starts.items():
            if place.first_time and ours() and not await self._begin(partition, place.offset):
                return False
        if not ours():
            return False
        self.done.update({partition: place.offset for partition, place in starts.items()})
        self.next.update(self.done)
        return True

    async def _load(self, generation: int, ours: Callable[[], bool]) -> None:
        """Read the tables of gained partitions. A table is still good if we settled in the generation before this.

        Trap: being assigned a partition again does not mean that it was nobody else's in between.
        """
        assigned = self.group.assigned()
        self.counts.own = frozenset(assigned)
        unbroken = self._settled is not None and generation == self._settled + 1
        for partition in list(self.shards):
            if partition not in assigned or not unbroken:
                del self.shards[partition]
        read = await self._changelog.read(assigned - self.shards.keys(), ours)
        if ours():
            self.shards.update(read)
            self.counts.stragglers += sum(shard.stragglers for shard in read.values())

    async def _starts(self) -> Mapping[int, Start]:
        bounds = await self.group.bounds(self.shards)
        starts = {partition: self._start(partition, bounds[partition]) for partition in self.shards}
        await self._pass_gaps(starts)
        self.group.accepted.update({at: found.committed for at, found in bounds.items() if found.committed is not None})
        return starts

    def _start(self, partition: int, bounds: Bounds) -> Start:
        shard = self.shards[partition]
        facts = (shard.applied, shard.fresh, len(shard.entries), bounds.first, bounds.end, shard.rebuilding)
        found = Found(bounds.committed, *facts)
        where = f"{self._source}[{partition}] with {self._rows.topic}"
        return start(found, where)

    async def _pass_gaps(self, starts: Mapping[int, Start]) -> None:
        gaps = [
            Gap(self._source, partition, place.offset - place.lost, place.offset)
            for partition, place in starts.items()
            if place.lost
        ]
        await pass_over(gaps, self._stage, self._publisher, accept=self.accept_gaps)
        self.counts.lost += sum(gap.until - gap.first for gap in gaps)

    async def _begin(self, partition: int, offset: int) -> bool:
        """The first start of a partition, in the order that `position` explains; False if it was revoked meanwhile."""
        why = await self.refuse_fresh(partition, self.counts) if self.refuse_fresh is not None else None
        if why is not None:
            raise Refused(f"{self._source}[{partition}] was never folded, but {why}: {REBUILD}")
        await self._publisher.publish([self._rows.applied(partition, offset, fresh=True)])
        self.shards[partition].applied = offset
        return await self.group.commit({partition: offset})
