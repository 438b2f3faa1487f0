"""Keeps the read model DeadLetter up: records of `dead-letters` and `notification-operations` in, MongoDB out.

It runs beside the loop of the log, in the same process. Each topic has one partition, and of several processes one
`leads`: that reads both from the stored position. The group's offsets, committed after the position, only show the lag.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from projections.again import again, hindrance
from projections.folders import letter_folder
from projections.identity import log_identity
from projections.layers import Layers, Model
from projections.letters import TOPICS
from projections.models import family
from projections.mongo.connection import database
from projections.pointers import Pointers
from streams.background import pause
from streams.health.vitals import Following, Vitals
from streams.kafka.consuming import plain_consumer
from streams.kafka.gaps import missed, pass_over
from streams.kafka.publisher import Publisher
from streams.kafka.waiting import reachable
from streams.settings import Settings
from streams.topics import DEAD_LETTERS

log = logging.getLogger(__name__)

GROUP = "dead-letters"
BATCH = 100
"""Records, at most: one may be of 2 MiB."""
IDLE_MS = 500
CHECKED = 10
"""How many idle rounds until the stored position is looked at."""
LOOK = 0.5
"""Seconds until a process that does not lead looks whether it does."""
PATIENCE = 5.0
"""Seconds to wait for MongoDB."""
HELD_UP = 0.1
"""Seconds until it looks again how far a copy is that must not be passed."""
REPAIR = "point KAFKA_URL or MONGO_URL to the pair that belongs together, or empty the database"
PARTITIONS = [TopicPartition(topic, 0) for topic in TOPICS]


@asynccontextmanager
async def opened(settings: Settings, vitals: Vitals, leads: Callable[[], bool]) -> AsyncIterator["Loop"]:
    """The loop, connected and ready to work; waits for a Kafka that is away."""
    await reachable(settings.kafka_url)
    identity = await log_identity(settings.kafka_url, DEAD_LETTERS)
    consumer, publisher = plain_consumer(settings.kafka_url, group_id=GROUP), Publisher(settings.kafka_url)
    async with AsyncExitStack() as stack:
        for client in (publisher, consumer):
            stack.push_async_callback(client.stop)
            await client.start()
        base = await stack.enter_async_context(database(settings, patience=PATIENCE))
        reader = Reader(consumer, publisher, accept_gaps=settings.accept_gaps)

        def unreadable() -> None:
            vitals.errors["unreadable-letter"] += 1

        folder = partial(letter_folder, base, identity=identity, unreadable=unreadable)
        loop = Loop(reader, Layers(Pointers(base), Model(base, family("letters"), folder)), leads)
        vitals.follow(Following(GROUP, TOPICS, lambda: PARTITIONS if leads() else [], lambda _: loop.hindered))
        yield loop


class Reader:
    """The two topics, from where it is told to go on."""

    def __init__(self, consumer: AIOKafkaConsumer, publisher: Publisher, *, accept_gaps: bool) -> None:
        self._consumer, self._publisher, self._accept_gaps = consumer, publisher, accept_gaps
        self._out_of_range: dict[TopicPartition, int] = {}
        """Where the broker said there is nothing."""

    async def go_to(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read on at these offsets; past what was removed only if told to. Raises `Refused`.

        Trap: assigned without a place to go to, aiokafka goes to the group's offsets, or fails where there are none.
        """
        begins = await self._consumer.beginning_offsets(PARTITIONS)
        ends = await self._consumer.end_offsets(PARTITIONS)
        following = dict(offsets)
        gaps = {}
        for part, reached in following.items():
            refuted = self._out_of_range.pop(part, None) == reached
            if gap := missed(part, reached, begins[part], ends[part], REPAIR, out_of_range=refuted):
                gaps[part] = gap
        await pass_over([*gaps.values()], GROUP, self._publisher, accept=self._accept_gaps)
        following |= {part: gap.until for part, gap in gaps.items()}
        if not self._consumer.assignment():
            self._consumer.assign(PARTITIONS)
        for part, reached in following.items():
            self._consumer.seek(part, reached)

    async def take(self) -> list[ConsumerRecord]:
        """What waits, in order per topic. Raises aiokafka's errors."""
        try:
            batches = await self._consumer.getmany(timeout_ms=IDLE_MS, max_records=BATCH)
        except OffsetOutOfRangeError as error:
            self._out_of_range = dict(error.args[0])
            raise
        return [record for batch in batches.values() for record in batch]

    async def mark(self, following: Mapping[TopicPartition, int]) -> None:
        """Tell the group how far the read model is, for those who watch the lag; nothing is read by it."""
        try:
            await self._consumer.commit(dict(following))
        except KafkaError as error:
            log.info("the group's offsets, which only show the lag, were not committed: %r", error)


class Loop:
    """Takes what is waiting and has it folded, for ever."""

    def __init__(self, reader: Reader, layers: Layers, leads: Callable[[], bool]) -> None:
        self._reader, self._layers, self._leads = reader, layers, leads
        self.hindered = ""
        """Why nothing is folded now."""

    async def work(self, stopping: asyncio.Event) -> None:
        """Until told to stop."""
        while not stopping.is_set():
            if self._leads():
                await again(partial(self._life, stopping), partial(pause, stopping), self._failed)
            else:
                self.hindered = "another worker leads"
                await pause(stopping, LOOK)

    def _failed(self, error: Exception) -> None:
        self.hindered = hindrance(error)

    async def _life(self, stopping: asyncio.Event, got_on: Callable[[], None]) -> None:
        """As long as it leads, and the copies are the same."""
        if stopping.is_set() or not self._leads():
            return
        await self._reader.go_to(await self._layers.open([0]))
        idle = 0
        while not stopping.is_set() and self._leads():
            records = await self._reader.take()
            if await self._layers.changed():
                return
            idle = 0 if records else idle + 1
            await self._take(records, looks=idle > 0 and idle % CHECKED == 0)
            self.hindered = self._layers.hindered
            got_on()

    async def _take(self, records: Sequence[ConsumerRecord], *, looks: bool) -> None:
        if records:
            await self._layers.project(records)
            await self._reader.mark(self._layers.following())
        if self._layers.hindered:
            await self._reader.go_to(self._layers.following())
            await asyncio.sleep(HELD_UP)
        if looks:
            await self._layers.check()
            await self._reader.mark(self._layers.following())  # the last mark may have been refused or cut off
