"""Lifecycle's table in, `came-due` out for every job that something forgot; in a healthy system there is none.

A job waits for a time, which a timer watches over, or for deliver to take its lane record up. It is late when the time
has long passed, or when the record is gone: its lane is empty and no `sending` came. Putting `came-due` on the log is
safe, whatever we believe: the fold accepts it only if the job still waits for the same thing there. For a lane that is
so because deliver writes `sending` before it commits: the job was seen queued, so its lane record was written; the
lane was seen committed to its end after that, so the record was committed; so a `sending`, if there ever was one, lies
before the `came-due` on the log, and the job is not queued any more when that is folded.

A job is only suspected at first, and acted on when the log as it then was has been folded: so a processor that is
behind finds nothing late that is only unread, and the counters tell faults.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from aiokafka import TopicPartition

from streams.events import Obligation
from streams.folding.ownership import Ownership
from streams.folding.table import Entry
from streams.kafka.offsets import opened
from streams.kafka.publisher import Publisher
from streams.kafka.waiting import waited_out
from streams.record import Record
from streams.rules.conclusions import came_due, lane_of
from streams.rules.notification import Job
from streams.rules.phase import AWAITS, Phase
from streams.rules.preferences import Preferences
from streams.topics import EVENTS, LANE_CLASSES, deliver_group

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds."""
SHARE = 0.05
"""Of the process's time, at most, for looking through a large table."""
SLICE = 200
"""Jobs looked at before others get their turn: 1-2 ms. With 200,000 open ones a look takes half a minute."""
AT_ONCE = 2000
"""Jobs acted on in one go."""


class Patience(NamedTuple):
    """How long a job may wait in an empty lane, and how long after its due time."""

    queued: timedelta
    late: timedelta


def late(job: Job, waited: timedelta, patience: Patience, *, lane_empty: bool) -> Obligation | None:
    """What this job, watched for so long as it is, waits for in vain, if it does. Pure."""
    obligation = AWAITS.get(job.phase)
    if obligation == "lane":
        return obligation if lane_empty and waited > patience.queued else None
    return obligation if job.due is not None and waited > job.due - job.changed + patience.late else None


class Suspect(NamedTuple):
    """A job that seems late, as it was; `end` is the log's at that time."""

    dispatch: int
    phase: Phase
    end: int


Place = tuple[int, bytes]
"""Partition and key of a job in the table."""
Stage = tuple[int, Phase]
"""A job's dispatch and phase. Trap: of one that has moved on since it was seen, the lane was asked too early."""


@dataclass(slots=True)
class Reconciler:
    """Looks through the jobs of our partitions every few seconds."""

    owned: Ownership[Job | Preferences]
    publisher: Publisher
    patience: Patience
    now: Callable[[], datetime]
    _lanes: set[TopicPartition] = field(default_factory=set)
    """Where jobs have been queued for long, as of the last look."""
    _empty: set[TopicPartition] = field(default_factory=set)
    """Of these, the ones that were found empty."""

    async def run(self) -> None:
        """For ever."""
        suspects: dict[Place, Suspect] = {}
        while True:
            await self._act(suspects)
            found = await self._look()
            self._empty = await self._now_empty()
            suspects = await self._suspect(found, suspects)
            await asyncio.sleep(LOOK_EVERY)

    async def _act(self, suspects: dict[Place, Suspect]) -> None:
        """Those that the log as it was has not exonerated."""
        commands, kinds = [], Counter[Obligation]()
        for place, suspect in suspects.items():
            job = self._job(place)
            if job is None or (job.dispatch, job.phase) != suspect[:2] or self._folded(place) < suspect.end:
                continue
            assert job.request is not None
            kinds[AWAITS[job.phase]] += 1
            key = job.request.recipient_key.encode()
            commands.append(Record.of(came_due(job, self.now()), EVENTS, key, place[0]))
        await self.publisher.publish(commands)
        for kind, count in kinds.items():
            self.owned.counts.late[kind] += count
            log.error("%d jobs waited in vain for their %s: put on the log again", count, kind)

    async def _look(self) -> dict[Place, Stage]:
        """Jobs that are late, without those of lanes that were not empty when last asked; counts the open ones."""
        found: dict[Place, Stage] = {}
        self._lanes.clear()
        open_jobs, oldest, now = 0, None, time.monotonic()
        for partition in list(self.owned.next):
            shard, began = self.owned.shards.get(partition), time.thread_time()
            for entries in _slices(list(shard.entries.values())) if shard is not None else ():
                for job, seen in entries:
                    waited = timedelta(seconds=now - seen)
                    open_jobs += 1
                    oldest = job.accepted if oldest is None or job.accepted < oldest else oldest
                    if self._is_late(job, partition, waited) and len(found) < AT_ONCE:
                        found[partition, job.notification.encode()] = job.dispatch, job.phase
                await asyncio.sleep((time.thread_time() - began) / SHARE)
                began = time.thread_time()
        self.owned.counts.open_jobs, self.owned.counts.oldest_open = open_jobs, oldest
        return found

    def _is_late(self, job: Job, partition: int, waited: timedelta) -> bool:
        kind = late(job, waited, self.patience, lane_empty=True)
        if kind == "lane":
            lane = TopicPartition(lane_of(job), partition)
            self._lanes.add(lane)
            return lane in self._empty
        return kind is not None

    async def _now_empty(self) -> set[TopicPartition]:
        """The lanes that deliver has committed up to their end: asked after the jobs were seen, never before."""
        if not self._lanes:
            return set()

        async def ask() -> set[TopicPartition]:
            async with opened(self.publisher.url) as offsets:
                extents, committed = await offsets.extents(self._lanes), {}
                for lane_class in LANE_CLASSES:
                    committed.update(await offsets.committed(deliver_group(lane_class)))
            return {lane for lane in self._lanes if committed.get(lane, -1) >= extents[lane].end}

        return await waited_out(ask)

    async def _suspect(self, found: dict[Place, Stage], before: dict[Place, Suspect]) -> dict[Place, Suspect]:
        """Those that have not moved since and are late, with the log's end after all that was seen.

        One that waits to be folded keeps the end it had.
        """
        ends = await self.owned.group.bounds({partition for partition, _ in found}) if found else {}
        suspects: dict[Place, Suspect] = {}
        for place, stage in found.items():
            job, known = self._job(place), before.get(place)
            if job is None or (job.dispatch, job.phase) != stage:
                continue
            if not self._is_late(job, place[0], self._waited(place)):
                continue
            waits = known is not None and known[:2] == stage and self._folded(place) < known.end
            suspects[place] = known if known and waits else Suspect(*stage, ends[place[0]].end)
        return suspects

    def _job(self, place: Place) -> Job | None:
        """As it is now, if it is still open and ours."""
        shard = self.owned.shards.get(place[0]) if place[0] in self.owned.next else None
        entry = shard.entries.get(place[1]) if shard is not None else None
        job = entry.state if entry is not None else None
        return job if isinstance(job, Job) and not job.final else None

    def _waited(self, place: Place) -> timedelta:
        return timedelta(seconds=time.monotonic() - self.owned.shards[place[0]].entries[place[1]].seen)

    def _folded(self, place: Place) -> int:
        return self.owned.done.get(place[0], -1)


def _slices(entries: list[Entry[Job | Preferences]]) -> Iterator[list[tuple[Job, float]]]:
    """The open jobs among them and since when each is seen, a slice at a time."""
    for start in range(0, len(entries), SLICE):
        states = ((entry.state, entry.seen) for entry in entries[start : start + SLICE])
        yield [(state, seen) for state, seen in states if isinstance(state, Job) and not state.final]
