"""Lifecycle's table in, `came-due` out for every job that something forgot; in good health there is none.

What is suspected when, and helped on when, is told by `rules.overdue`; here it is looked, asked and written.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiokafka import TopicPartition

from streams.folding.ownership import Ownership
from streams.folding.table import Entry
from streams.kafka.offsets import opened
from streams.kafka.publisher import Publisher
from streams.kafka.waiting import waited_out
from streams.rules.notification import Job
from streams.rules.overdue import Known, Lane, Look, Patience, Place, Suspect, Watched, forgotten, help_on, suspects
from streams.rules.phase import AWAITS
from streams.rules.preferences import Preferences
from streams.topics import LANE_CLASSES, deliver_group

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds."""
SHARE = 0.05
"""Of the process's time, at most, for looking through a large table."""
SLICE = 200
"""Jobs looked at before others get their turn: 1-2 ms. With 200,000 open ones a look takes half a minute."""


@dataclass(slots=True)
class Reconciler:
    """Looks through the jobs of our partitions every few seconds."""

    owned: Ownership[Job | Preferences]
    publisher: Publisher
    patience: Patience
    now: Callable[[], datetime]

    async def run(self) -> None:
        """For ever."""
        suspected: dict[Place, Suspect] = {}
        empty: Collection[Lane] = ()
        while True:
            await self._help_on(forgotten(suspected, self._watched(suspected), self.owned.done))
            look = await self._look(empty)
            empty = await self._empty_of(look.lanes)
            ends = await self.owned.group.bounds({partition for partition, _ in look.found}) if look.found else {}
            known = Known(empty, {partition: bounds.end for partition, bounds in ends.items()}, self.owned.done)
            suspected = suspects(look, self._watched(look.found), suspected, known)
            await asyncio.sleep(LOOK_EVERY)

    async def _help_on(self, jobs: dict[Place, Job]) -> None:
        await self.publisher.publish([help_on(place, job, self.now()) for place, job in jobs.items()])
        for kind, count in Counter(AWAITS[job.phase] for job in jobs.values()).items():
            self.owned.counts.late[kind] += count
            log.error("%d jobs waited in vain for their %s: put on the log again", count, kind)

    async def _look(self, empty: Collection[Lane]) -> Look:
        """At all open jobs, a slice at a time; counts them."""
        look, now = Look(self.patience, empty), time.monotonic()
        for partition in list(self.owned.next):
            shard, began = self.owned.shards.get(partition), time.thread_time()
            for entries in _slices(list(shard.entries.values())) if shard is not None else ():
                for job, seen in entries:
                    look.take(partition, job, timedelta(seconds=now - seen))
                await asyncio.sleep((time.thread_time() - began) / SHARE)
                began = time.thread_time()
        self.owned.counts.open_jobs, self.owned.counts.oldest_open = look.open_jobs, look.oldest
        return look

    async def _empty_of(self, lanes: Collection[Lane]) -> set[Lane]:
        """Those that deliver has committed up to their end."""
        if not lanes:
            return set()
        places = [TopicPartition(*lane) for lane in lanes]

        async def ask() -> set[Lane]:
            async with opened(self.publisher.url) as offsets:
                extents, committed = await offsets.extents(places), {}
                for lane_class in LANE_CLASSES:
                    committed.update(await offsets.committed(deliver_group(lane_class)))
            return {tuple(place) for place in places if committed.get(place, -1) >= extents[place].end}

        return await waited_out(ask)

    def _watched(self, places: Iterable[Place]) -> dict[Place, Watched]:
        """As they are now, those that are still open and ours."""
        found, now = {}, time.monotonic()
        for partition, key in places:
            shard = self.owned.shards.get(partition) if partition in self.owned.next else None
            entry = shard.entries.get(key) if shard is not None else None
            if entry is not None and isinstance(entry.state, Job) and not entry.state.final:
                found[partition, key] = Watched(entry.state, timedelta(seconds=now - entry.seen))
        return found


def _slices(entries: list[Entry[Job | Preferences]]) -> Iterator[list[tuple[Job, float]]]:
    """The open jobs among them and since when each is seen, a slice at a time."""
    for start in range(0, len(entries), SLICE):
        states = ((entry.state, entry.seen) for entry in entries[start : start + SLICE])
        yield [(state, seen) for state, seen in states if isinstance(state, Job) and not state.final]
