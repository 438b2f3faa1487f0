"""The log in, a processor's table out to its changelog, its place out to its group: what `tidings recover` does.

The processor must not run meanwhile. The steps for a partition, each awaited:
    mark the changelog as *rebuilding* -> remove all before the mark -> rows -> the commit -> the rebuild on record ->
    *applied up to*, which takes the mark back.
A table that is marked is refused, so a rebuild that was cut short is no table until it is done again from the start;
and nothing of the old table can survive, since all of it lies before the mark.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from aiokafka import ConsumerRecord, TopicPartition

from streams import admit, clock, lifecycle
from streams.admit import State
from streams.counted import counted
from streams.exits import Refused
from streams.folding.table import Rows
from streams.kafka.gaps import by_user, missed, pass_over
from streams.kafka.offsets import Extent, Offsets, opened
from streams.kafka.publisher import Publisher
from streams.kafka.topic_reading import records
from streams.operations import Event, TableRebuilt, to_record
from streams.record import Record
from streams.recovery.histories import Histories
from streams.recovery.imports import at_rest
from streams.recovery.jobs import Jobs
from streams.rules.notification import Job
from streams.rules.preferences import Preferences
from streams.settings import Settings
from streams.topics import EVENTS, LANE_CLASSES, REQUESTS, changelog, deliver_group

Stage = Literal["lifecycle", "admit"]
Progress = Callable[[int, int], None]
"""Told how many events of how many were read."""

LOOK_EVERY = 0.2
"""Seconds."""
LONGER_THAN_A_SESSION = 1.5
AT_ONCE = 5000
"""Records written in one go."""
WHY = "its changelog or its offsets were lost"


@dataclass(frozen=True, slots=True)
class Report:
    """What was rebuilt: events read, rows written, conclusions or requests that are still owed to the log."""

    events: int
    rows: int
    owed: int


async def rebuild(settings: Settings, stage: Stage, progress: Progress, why: str = WHY) -> Report:
    """Make the table of a stage again. Raises `Refused` if it runs, or if the log has a hole (see `ACCEPT_GAPS`)."""
    async with Publisher(settings.kafka_url) as publisher, opened(settings.kafka_url) as offsets:
        await _refuse_company(offsets, stage)
        work = Rebuild(settings, stage, publisher, offsets, progress)
        work.why = why
        return await (work.lifecycle() if stage == "lifecycle" else work.admit())


async def alone(settings: Settings, part: Stage | Literal["deliver"]) -> None:
    """Returns when no member is left in the groups; raises `Refused` if some are after a session's length."""
    deadline = time.monotonic() + LONGER_THAN_A_SESSION * settings.session_timeout
    groups = [deliver_group(lane_class) for lane_class in LANE_CLASSES] if part == "deliver" else [part]
    async with opened(settings.kafka_url) as offsets:
        for group in groups:
            while await offsets.members(group) and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody else tells
                await asyncio.sleep(LOOK_EVERY)
            await _refuse_company(offsets, group)


async def _refuse_company(offsets: Offsets, group: str) -> None:
    if members := await offsets.members(group):
        raise Refused(f"expected nobody in group {group}, it has {counted(members, 'member')}: stop its workers first")


class Rebuild:
    """One rebuild of one stage. `why` is kept on record."""

    why = WHY

    def __init__(
        self, settings: Settings, stage: Stage, publisher: Publisher, offsets: Offsets, progress: Progress
    ) -> None:
        self._settings, self._stage = settings, stage
        self._publisher, self._offsets, self._progress = publisher, offsets, progress
        self._places = [TopicPartition(EVENTS, number) for number in range(settings.partitions)]
        self._read = 0

    async def lifecycle(self) -> Report:
        """Partition by partition: log, table and changelog have the same ones."""
        rows = Rows(lifecycle.rule(self._settings), changelog(self._stage, lifecycle.TABLE))
        committed, extents = await self._offsets.committed(self._stage), await self._offsets.extents(self._places)
        total, written, owed = sum(extent.end - extent.first for extent in extents.values()), 0, 0
        rest = await at_rest(self._settings.kafka_url)
        for place, extent in extents.items():
            await self._pass_gap(place, 0, extent)
            jobs = Jobs(rows, place.partition, committed.get(place))
            news = Extent(min(max(rest.get(place.partition, 0), extent.first), extent.end), extent.end)
            async for batch in self._records(place, news, total):
                for record in batch:
                    jobs.add(record)
            await self._publisher.publish(jobs.letters)
            written += await self._replace(rows, place, jobs.rows(extent.end), jobs.applied(extent.end))
            owed += jobs.owed()
        return Report(self._read, written, owed)

    async def admit(self) -> Report:
        """All of the log first: outcomes lie by recipient, requests by actor."""
        rows = Rows(admit.Admit(self._settings.limits), changelog(self._stage, admit.TABLE))
        committed = {place.partition: offset for place, offset in (await self._offsets.committed(self._stage)).items()}
        extents = await self._offsets.extents(self._places)
        total, written, owed = sum(extent.end - extent.first for extent in extents.values()), 0, 0
        histories = Histories(rows, self._settings.limits, committed, self._settings.partitions)
        for place, extent in extents.items():
            await self._pass_gap(place, 0, extent)
            async for batch in self._records(place, extent, total):
                for record in batch:
                    histories.add(record)
        requests = await self._offsets.extents(TopicPartition(REQUESTS, number) for number in histories.partitions)
        for place, extent in requests.items():
            applied = await self._pass_gap(place, histories.partitions[place.partition].applied(), extent)
            written += await self._replace(rows, place, histories.rows(place.partition), applied)
            owed += extent.end - applied
        return Report(self._read, written, owed)

    async def _pass_gap(self, place: TopicPartition, reached: int, extent: Extent) -> int:
        """Where there is something to read from `reached` on; what is missing before that is refused, or on record."""
        gap = missed(place, reached, *extent, "restore it from a backup")
        if gap is None:
            return reached
        await pass_over([gap], self._stage, self._publisher, accept=self._settings.accept_gaps)
        return gap.until

    async def _records(self, place: TopicPartition, extent: Extent, total: int) -> AsyncIterator[list[ConsumerRecord]]:
        async for batch in records(self._settings.kafka_url, {place: extent}, gaps=False):
            yield batch
            self._read += len(batch)
            self._progress(self._read, total)

    async def _replace(
        self, rows: Rows[Job | Preferences] | Rows[State], place: TopicPartition, table: Iterable[Record], applied: int
    ) -> int:
        """The steps that the head of this file explains; returns the number of rows."""
        number, log = place.partition, TopicPartition(rows.topic, place.partition)
        await self._publisher.publish([rows.rebuilding(number)])
        mark = (await self._offsets.extents([log]))[log].end - 1
        await self._offsets.delete_before(log, mark)
        count, left = 0, iter(table)
        while some := list(itertools.islice(left, AT_ONCE)):
            await self._publisher.publish(some)
            count += len(some)
        await self._offsets.commit(self._stage, {place: applied})
        done = TableRebuilt(self._stage, number, applied, count)
        told = to_record(Event(done, clock.now(), "recover", by_user(), self.why))
        await self._publisher.publish([told])
        await self._publisher.publish([rows.applied(number, applied)])
        return count
