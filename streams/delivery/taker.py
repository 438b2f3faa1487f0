"""Lane records in, claimed attempts out to a `Caller`, as many as have free slots: `deliver` tells how."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, cast

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from streams import clock, codec
from streams.delivery.calls import SOURCE, Caller, Slots, Taken
from streams.delivery.dispatched import Dispatched, Sighting
from streams.delivery.lane_reader import Fetched, LaneReader
from streams.events import Attempt, Event, LaneClass, Sending
from streams.exits import Refused
from streams.health.metrics import Reading
from streams.health.vitals import Following, Vitals
from streams.kafka.publisher import FEW, REST, Publisher
from streams.letters.dead_letters import letter_about
from streams.record import Record
from streams.settings import Settings
from streams.topics import EVENTS, deliver_group, lane

LOOK_AGAIN_MS = 500
"""How soon a breaker that may be probed again, or a new assignment, is noticed."""

log = logging.getLogger(__name__)


class Taker:
    """Takes from the lanes of one class, one lane a channel, each with slots of its own."""

    def __init__(
        self, lane_class: LaneClass, caller: Caller, publisher: Publisher, dispatched: Dispatched, settings: Settings
    ) -> None:
        self.refused: Refused | codec.UnknownType | None = None
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

    def tell(self, vitals: Vitals) -> None:
        """Have this taker measured, and watched as to whether it reads its lanes."""
        vitals.measure(self._readings)
        vitals.follow(
            Following(self._group, tuple(self._lanes), self._consumer.assignment, self._hindered, by_topic=True)
        )

    def _hindered(self, name: str) -> str:
        slots = self._lanes.get(name)
        if slots is not None and slots.free() <= 0:
            if slots.shut:
                return "the breaker is open"
            if time.monotonic() < slots.taken_at + self._allowed.total_seconds():  # outcomes that are late are watched
                return "no slot is free"
        return self._dispatched.waits

    def _readings(self) -> Iterator[Reading]:
        yield Reading("tidings_batches_total", self._batches)
        yield Reading("tidings_errors_total", self._claims_refused, ("claim-refused",))
        yield Reading("tidings_errors_total", self._dispatched.failures, ("redis",))
        for name, slots in self._lanes.items():
            yield Reading("tidings_events_in_total", self._claimed[name], (name,))
            yield Reading("tidings_in_flight", slots.taken, (name,))

    async def run(self, stopping: asyncio.Event) -> None:
        """Take and call until told to stop, then wait for the outcomes of the calls in flight."""
        await self._reader.start()
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
                fetched = await self._take(stop)
                async with self._reader.tenure.claiming:
                    for taken in await self._claim(self._reader.held(fetched)):
                        self._caller.start(taken)
                if 0 < sum(len(one.records) for one in fetched) < FEW:
                    await asyncio.sleep(REST)
        except (Refused, codec.UnknownType) as error:
            self.refused = error
            stopping.set()

    async def _take(self, stop: asyncio.Future[Any]) -> list[Fetched]:
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
        fetched = [first.result()] if partitions and first.done() else []
        for wait in waits - {stop}:
            wait.cancel()  # a fetch that has taken records is done, a cancelled one has taken none
        begun = {record.topic for one in fetched for record in one.records}
        for name, count in free.items() if begun else ():
            room = count - (name in begun)
            own = [partition for partition in partitions if partition.topic == name]
            if room and own:
                fetched.append(await self._reader.fetch(own, room))
        return fetched

    async def _claim(self, records: list[ConsumerRecord]) -> list[Taken]:
        """Write `sending`, then commit: from then on the dispatches are this worker's alone."""
        if not records:
            return []
        attempts, letters = read(records, clock.now())
        fresh = await self._dispatched.fresh([_sighting(record, event) for record, event in attempts])
        now = clock.now()  # not before: Redis may have been away for longer than a call is allowed
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
        body = Sending(event.body.dispatch, taken.deadline, self._worker, taken.slots.provider)
        return Record.of(event.then(body, SOURCE, now), EVENTS, taken.key)


def read(
    records: Iterable[ConsumerRecord], now: datetime
) -> tuple[list[tuple[ConsumerRecord, Event[Attempt]]], list[Record]]:
    """The attempts, and dead letters for what is none. Raises `UnknownType`: a skipped command is a lost one."""
    attempts: list[tuple[ConsumerRecord, Event[Attempt]]] = []
    letters = []
    for record in records:
        try:
            event = codec.decode(record.value)
        except codec.Undecodable as error:
            letters.append(letter_about(record, "undecodable", SOURCE, str(error), now))
            continue
        if isinstance(event.body, Attempt):
            attempts.append((record, cast("Event[Attempt]", event)))
        else:
            why = f"expected an attempt on a lane, got {event.id}"
            letters.append(letter_about(record, "invalid", SOURCE, why, now))
    return attempts, letters


def _sighting(record: ConsumerRecord, event: Event[Attempt]) -> Sighting:
    """Trap: an id used again after admit forgot it is no repeat. Its time is another; a repeat's is the same."""
    identity = f"{event.id}@{event.time.isoformat()}"
    return Sighting(TopicPartition(record.topic, record.partition), record.offset, identity)
