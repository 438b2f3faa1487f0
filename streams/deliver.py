"""Lane records in, provider calls out; sending, sent, send-failed and send-deferred go to the log. Keeps no state.

Takes no more records than it has free slots, writes `sending`, then commits the offsets: that is the claim, and the
broker refuses it to a worker that lost its partitions. Only then do the calls start, each in a task of its own. The
classes of lanes are read apart (a consumer each), so promotional backlog never stands before transactional work.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, cast

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from streams import clock, codec
from streams.calls import SOURCE, Caller, Outcomes, Outlet, Slots, Taken, call_readings
from streams.dead_letters import Source, dead_letter
from streams.dispatched import Dispatched, Sighting
from streams.events import CHANNELS, Attempt, Event, LaneClass, Sending
from streams.folding.position import Refused
from streams.kafka import FEW, REST, Publisher
from streams.lane_reader import LaneReader, refuse_lost_places
from streams.metrics import Reading
from streams.providers.mock import MockProvider
from streams.record import Record
from streams.settings import Settings
from streams.topics import EVENTS, LANE_CLASSES, deliver_group, lane
from streams.vitals import Following, Vitals

LOOK_AGAIN_MS = 500
"""How soon a breaker that may be probed again, or a new assignment, is noticed."""

log = logging.getLogger(__name__)


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Deliver until told to stop; then finish the calls in flight, their outcomes written.

    Raises `Refused` where it can't know where to go on in a lane: before any call, or, if it happens on the way, after
    the calls in flight.
    """
    publisher = Publisher(settings.kafka_url)
    redis = Redis.from_url(settings.redis_url, retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries=-1))
    outlets = {channel: Outlet(MockProvider(settings), settings) for channel in CHANNELS}
    vitals.publishes(publisher)
    await publisher.start()
    try:
        await refuse_lost_places(settings)
        async with asyncio.TaskGroup() as tasks:
            outcomes = Outcomes(publisher)
            caller = Caller(outlets, outcomes.add, settings, vitals.times("tidings_provider_seconds"))
            vitals.measure(lambda: call_readings(caller))
            writing = tasks.create_task(outcomes.write())
            takers = [Taker(lane_class, caller, publisher, Dispatched(redis), settings) for lane_class in LANE_CLASSES]
            for taker in takers:
                taker.tell(vitals)
            await asyncio.wait([tasks.create_task(taker.run(stopping)) for taker in takers])
            writing.cancel()
        if refused := next((taker.refused for taker in takers if taker.refused is not None), None):
            raise refused
    finally:
        await publisher.stop()
        await redis.aclose()


class Taker:
    """Takes from the lanes of one class, one lane a channel, each with slots of its own."""

    def __init__(
        self, lane_class: LaneClass, caller: Caller, publisher: Publisher, dispatched: Dispatched, settings: Settings
    ) -> None:
        self.refused: Refused | None = None
        """Why it stopped by itself, and everything with it."""
        self._caller, self._publisher, self._dispatched = caller, publisher, dispatched
        self._group = deliver_group(lane_class)
        self._reader = LaneReader(settings, lane_class, publisher)
        self._consumer = self._reader.consumer
        self._worker = settings.worker
        self._allowed = timedelta(seconds=settings.provider_timeout + settings.deadline_margin)
        self._freed = asyncio.Event()
        self._lanes = {
            lane(channel, lane_class): Slots(outlet, settings.slots_per_lane, self._freed)
            for channel, outlet in caller.outlets.items()
        }
        self._claimed: Counter[str] = Counter()
        self._batches = 0
        self._claims_refused = 0
        self._asks_redis = False

    def tell(self, vitals: Vitals) -> None:
        """Have this taker measured, and watched as to whether it reads its lanes."""
        vitals.measure(self._readings)
        vitals.follow(
            Following(self._group, tuple(self._lanes), self._consumer.assignment, self._hindered, by_topic=True)
        )

    def _hindered(self, name: str) -> str:
        if self._asks_redis:
            return "Redis has not answered yet"
        full = name in self._lanes and self._lanes[name].free() <= 0
        return "no slot is free, or the breaker is open" if full else ""

    def _readings(self) -> Iterator[Reading]:
        yield Reading("tidings_batches_total", self._batches)
        yield Reading("tidings_errors_total", self._claims_refused, ("claim-refused",))
        for name, slots in self._lanes.items():
            yield Reading("tidings_events_in_total", self._claimed[name], (name,))
            yield Reading("tidings_in_flight", slots.taken, (name,))

    async def run(self, stopping: asyncio.Event) -> None:
        """Take and call until told to stop, then wait for the outcomes of the calls in flight."""
        await self._consumer.start()
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await self._take_all(stopping, stop)
            while any(slots.taken for slots in self._lanes.values()):
                self._freed.clear()
                await self._freed.wait()
        finally:
            stop.cancel()
            await self._consumer.stop()

    async def _take_all(self, stopping: asyncio.Event, stop: asyncio.Future[Any]) -> None:
        try:
            while not stopping.is_set():
                await self._reader.pass_gaps()
                records = await self._take(stop)
                for taken in await self._claim(records):
                    self._caller.start(taken)
                if 0 < len(records) < FEW:
                    await asyncio.sleep(REST)
        except Refused as error:
            self.refused = error
            stopping.set()

    async def _take(self, stop: asyncio.Future[Any]) -> list[ConsumerRecord]:
        """What waits in the lanes that have free slots, no more than these; empty when it is time to look again."""
        self._freed.clear()
        free = {name: count for name, slots in self._lanes.items() if (count := slots.free())}
        partitions = [partition for partition in self._consumer.assignment() if partition.topic in free]
        waits: set[asyncio.Future[Any]] = {stop}
        if len(free) < len(self._lanes):
            waits.add(asyncio.ensure_future(self._freed.wait()))
        if partitions:
            first = asyncio.ensure_future(self._reader.fetch(partitions, 1, LOOK_AGAIN_MS))
            waits.add(first)
        await asyncio.wait(waits, timeout=LOOK_AGAIN_MS / 1000, return_when=asyncio.FIRST_COMPLETED)
        found = first.result() if partitions and first.done() else {}
        for wait in waits - {stop}:
            wait.cancel()  # a fetch that has taken records is done, a cancelled one has taken none
        records = [record for batch in found.values() for record in batch]
        for name, count in free.items() if records else ():
            room = count - sum(record.topic == name for record in records[:1])
            own = [partition for partition in partitions if partition.topic == name]
            if room and own:
                more = await self._reader.fetch(own, room)
                records += [record for batch in more.values() for record in batch]
        return records

    async def _claim(self, records: list[ConsumerRecord]) -> list[Taken]:
        """Write `sending`, then commit: from then on the dispatches are this worker's alone."""
        if not records:
            return []
        now = clock.now()
        attempts, letters = _read(records, now)
        self._asks_redis = True
        fresh = await self._dispatched.fresh([_sighting(record, event) for record, event in attempts])
        self._asks_redis = False
        deadline = now + self._allowed
        taken = [
            Taken(event, record.key, self._lanes[record.topic], deadline)
            for (record, event), first in zip(attempts, fresh, strict=True)
            if first
        ]
        sending = [self._sending(one, now) for one in taken]
        await self._publisher.publish([*sending, *letters])
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            offsets[partition] = max(offsets.get(partition, 0), record.offset + 1)
        try:
            await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("claim of %d dispatches refused, their partitions have moved: %s", len(taken), error)
            self._claims_refused += 1
            return []
        self._claimed.update(record.topic for record in records)
        self._batches += 1
        return taken

    def _sending(self, taken: Taken, now: datetime) -> Record:
        event = taken.event
        return Record.of(
            event.then(Sending(event.body.dispatch, taken.deadline, self._worker), SOURCE, now), EVENTS, taken.key
        )


def _read(
    records: Iterable[ConsumerRecord], now: datetime
) -> tuple[list[tuple[ConsumerRecord, Event[Attempt]]], list[Record]]:
    """The attempts, and dead letters for what is none. Raises `UnknownType`: a skipped command is a lost one."""
    attempts, letters = [], []
    for record in records:
        try:
            attempts.append((record, _attempt(record.value)))
        except codec.Undecodable as error:
            source = Source(record.topic, record.partition, record.offset)
            letters.append(
                dead_letter(
                    reason="undecodable",
                    stage=SOURCE,
                    error=str(error),
                    source=source,
                    key=record.key,
                    body=record.value,
                    time=now,
                )
            )
    return attempts, letters


def _attempt(value: bytes | None) -> Event[Attempt]:
    event = codec.decode(value)
    if not isinstance(event.body, Attempt):
        raise codec.Undecodable(f"expected an attempt on a lane, got {event.id}")
    return cast("Event[Attempt]", event)


def _sighting(record: ConsumerRecord, event: Event[Attempt]) -> Sighting:
    """Trap: an id used again after admit forgot it is no repeat. Its time is another; a repeat's is the same."""
    identity = f"{event.id}@{event.time.isoformat()}"
    return Sighting(TopicPartition(record.topic, record.partition), record.offset, identity)
