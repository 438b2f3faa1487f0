"""One replay, from where it was: counted first, then told at its pace. What becomes of it is put on record.

Its position is on record every few seconds and when it stops. Cut off, it begins again at the last one: events that
were told since then come again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from typing import NamedTuple

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from projections.replay.book import Replay
from projections.replay.handlers import opened
from projections.replay.handling import Failing, Handler
from projections.replay.ranges import count, places, ranges
from projections.replay.selecting import Picked, select
from projections.replay.targets import TargetRefused, parse
from streams.kafka.topic_reading import records
from streams.operations import Operation, ReplayCounted, ReplayDone, ReplayFailed, ReplayReached
from streams.settings import Settings

RECORDED_EVERY = 5.0
"""Seconds."""
SLICES = 10
"""Parts of a second's events that are told together, so that a pace is one also within a second."""
MAX_ERROR = 1000
"""Characters of an error on record."""

Tell = Callable[[Operation], Awaitable[None]]


class Chunk(NamedTuple):
    """Events that are told together, and the offset up to which that takes their partition."""

    events: Sequence[Picked]
    partition: int
    until: int


class Work:
    """The next part of one replay: it is counted, or else told."""

    def __init__(self, replay: Replay, settings: Settings, tell: Tell) -> None:
        self._replay, self._settings, self._tell = replay, settings, tell
        self.reached = dict(replay.reached)
        self.delivered = replay.delivered
        self._recorded = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Until that part is done, or `stop` is set. Raises nothing that the replay is to blame for."""
        try:
            if self._replay.counts is None:
                await self._count(stop)
            else:
                await self._deliver(stop)
        except (Failing, TargetRefused, KafkaError) as error:
            await self._record()
            await self._tell(ReplayFailed(self._replay.id, str(error)[:MAX_ERROR] or repr(error)))

    async def _count(self, stop: asyncio.Event) -> None:
        url, selection = self._settings.kafka_url, self._replay.order.selection
        extents = await ranges(url, selection, self._settings.partitions)
        found = await count(url, selection, extents, lambda *_: None, stop)
        if found is not None:
            await self._tell(ReplayCounted(self._replay.id, extents, dict(found.types), found.unreadable))

    async def _deliver(self, stop: asyncio.Event) -> None:
        target = parse(self._replay.order.into)
        async with opened(target, self._replay.id, self._settings) as handler:
            finished = await self._told(handler, stop)
        if finished:
            await self._tell(ReplayDone(self._replay.id, self.delivered))
        else:
            await self._record()

    async def _told(self, handler: Handler, stop: asyncio.Event) -> bool:
        """Whether all of it is."""
        pace = Pace(self._replay.order.rate)
        extents = places(self._replay.extents, self.reached)
        async with aclosing(records(self._settings.kafka_url, extents, gaps=False)) as batches:
            async for batch in batches:
                for chunk in self._chunks(batch, min(handler.at_once, pace.at_once)):
                    if await pace.stopped(len(chunk.events), stop):
                        return False
                    if chunk.events:
                        await handler.take(chunk.events)
                    self.delivered += len(chunk.events)
                    self.reached[chunk.partition] = chunk.until
                    if time.monotonic() - self._recorded > RECORDED_EVERY:
                        await self._record()
        return not stop.is_set()

    def _chunks(self, batch: Sequence[ConsumerRecord], at_once: int) -> Iterator[Chunk]:
        """The last one reaches to the batch's end, and may be empty."""
        if not batch:
            return
        partition = batch[0].partition
        meant = [picked for picked in select(batch, self._replay.order.selection) if picked is not None]
        for start in range(0, len(meant), at_once):
            events = meant[start : start + at_once]
            yield Chunk(events, partition, events[-1].record.offset + 1)
        yield Chunk((), partition, batch[-1].offset + 1)

    async def _record(self) -> None:
        self._recorded = time.monotonic()
        if self.reached:
            await self._tell(ReplayReached(self._replay.id, self.delivered, dict(self.reached)))


class Pace:
    """At most so many events a second, evenly, from when it is made."""

    def __init__(self, rate: float) -> None:
        self.at_once = max(1, int(rate / SLICES))
        self._rate, self._next = rate, time.monotonic()

    async def stopped(self, events: int, stop: asyncio.Event) -> bool:
        """Returns when so many may be told now, or `stop` is set: True then. A pause is not made good for."""
        wait = self._next - time.monotonic()
        if wait > 0 and events:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
        self._next = max(self._next, time.monotonic() - 1 / SLICES) + events / self._rate
        return stop.is_set()
