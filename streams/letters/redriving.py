"""Dead letters in; their originals go back to where they came from, or are given up, and the log is told of each.

The order is what makes a crash harmless: the original is put back, acknowledged; then `redriven` is written,
acknowledged. A crash in between leaves the letter open, and a second redrive a repeat with the same id, which readers
drop. Beyond the horizons in which ids are remembered (`Settings.id_horizon`) a repeated request would be a new one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from streams import clock, operations
from streams.codec import Undecodable
from streams.intake.amqp import Connection, NotTaken, connect
from streams.kafka.bootstrap import bootstrap
from streams.kafka.consuming import plain_consumer
from streams.letters.dead_letters import Report, read
from streams.letters.redrive import QUEUES, Mail, RedriveRefused, back
from streams.operations import Dropped, Event, Redriven
from streams.record import Record
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, MAX_RECORD_BYTES

READ_SECONDS = 10.0
PUBLISH_SECONDS = 10.0


class Order(NamedTuple):
    """A letter to be handled, by its id and the offset of its newest record on `dead-letters`."""

    letter: str
    offset: int


class Words(NamedTuple):
    """Who wants it, why, and the program they say it to."""

    by: str
    why: str
    source: str = "cli"


class Missing(LookupError):
    """The letter is not where the read model says."""


FAULTS = (RedriveRefused, Missing, Undecodable)
AWAY = (KafkaError, OSError, NotTaken)


class Desk:
    """Connections to Kafka and, once a message is to go there, RabbitMQ."""

    def __init__(self, settings: Settings, words: Words) -> None:
        self._settings, self._words = settings, words
        self._consumer = plain_consumer(settings.kafka_url)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap(settings.kafka_url),
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_RECORD_BYTES,
        )
        self._rabbitmq: Connection | None = None
        self._following = -1

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, words: Words) -> AsyncIterator["Desk"]:
        """A desk, for as long as it is needed. Raises aiokafka's errors."""
        desk = cls(settings, words)
        async with AsyncExitStack() as stack:
            for client in (desk._consumer, desk._producer):
                stack.push_async_callback(client.stop)
                await client.start()
            stack.push_async_callback(desk._hang_up)
            yield desk

    async def original(self, order: Order) -> Report:
        """The letter as it was written. Raises `Missing`."""
        place = TopicPartition(DEAD_LETTERS, 0)
        if order.offset != self._following:
            if not self._consumer.assignment():
                self._consumer.assign([place])
            self._consumer.seek(place, order.offset)
        self._following = -1
        try:
            record = await asyncio.wait_for(self._consumer.getone(place), READ_SECONDS)
        except TimeoutError as error:
            raise Missing(
                f"{order.letter}: expected it at offset {order.offset} of {DEAD_LETTERS}, no answer"
            ) from error
        except OffsetOutOfRangeError as error:
            raise Missing(
                f"{order.letter}: expected it at offset {order.offset} of {DEAD_LETTERS}, it is gone"
            ) from error
        self._following = record.offset + 1
        report = read(record.value)
        if record.offset != order.offset or report.id != order.letter:
            raise Missing(f"expected {order.letter} at offset {order.offset} of {DEAD_LETTERS}, got {report.id}")
        return report

    async def redrive(self, order: Order) -> None:
        """Both steps, acknowledged. Raises one of `FAULTS`, if this letter is at fault, or of `AWAY`."""
        await self.tell(await self.put_back(order))

    async def put_back(self, order: Order) -> Redriven:
        """The first step; the second is to `tell` what it returns."""
        original = back((await self.original(order)).letter)
        if isinstance(original, Mail):
            await self._post(original)
            return Redriven(order.letter, order.offset, original.queue)
        partition, offset = await self._write(original)
        return Redriven(order.letter, order.offset, original.topic, partition, offset)

    async def drop(self, order: Order) -> None:
        """Give it up for good."""
        await self.tell(Dropped(order.letter, order.offset))

    async def tell(self, done: Redriven | Dropped) -> None:
        """Write the operation."""
        await self._write(
            operations.to_record(Event(done, clock.now(), self._words.source, self._words.by, self._words.why))
        )

    async def _write(self, record: Record) -> tuple[int, int]:
        headers = [("id", record.id.encode())] if record.id else []
        written = await self._producer.send_and_wait(
            record.topic, record.value, key=record.key, partition=record.partition, headers=headers
        )
        return written.partition, written.offset

    async def _post(self, mail: Mail) -> None:
        if self._rabbitmq is None or self._rabbitmq.gone.done():
            self._rabbitmq = await connect(self._settings.rabbitmq_url)
            for queue in QUEUES:
                await self._rabbitmq.declare(queue)
        async with asyncio.timeout(PUBLISH_SECONDS):
            await self._rabbitmq.publish(mail.queue, mail.envelope, mail.body)

    async def _hang_up(self) -> None:
        if self._rabbitmq is not None:
            await self._rabbitmq.close()


async def paced(orders: Sequence[Order], rate: float) -> AsyncIterator[Order]:
    """In the order in which they were written, at most `rate` a second."""
    began = time.monotonic()
    for number, order in enumerate(sorted(orders, key=lambda order: order.offset)):
        await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
        yield order
