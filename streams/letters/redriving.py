"""Dead letters in; their originals go back to where they came from, or are given up, and the log is told of each.

The order is what makes a crash harmless: the original is put back, acknowledged; then `redriven` is written,
acknowledged. A crash in between leaves the letter open, and a second redrive a repeat with the same id, which readers
drop. Beyond the horizons in which ids are remembered (`Settings.id_horizon`) a repeated request would be a new one.
A server that does not answer leaves the same doubt, and `Desk.unsure` says what it is about.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Literal, NamedTuple

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from streams import clock, operations
from streams.codec import Undecodable
from streams.intake.amqp import Connection, NotTaken, connect
from streams.kafka.bootstrap import bootstrap
from streams.kafka.consuming import plain_consumer
from streams.kafka.producer import CLOSED_WITHIN, Producer
from streams.letters.dead_letters import Report, read
from streams.letters.redrive import Mail, RedriveRefused, back
from streams.operations import Dropped, Event, Redriven
from streams.record import Record
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, QUEUES

SECONDS = 10.0
"""After which a server that has not answered counts as away."""
UNSURE = "whether it was put back is not known, and that it was is not on record"
UNTOLD = "it was put back; whether that is on record is not known"
UNDROPPED = "whether it is on record as dropped is not known"


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


Verb = Literal["redrive", "drop"]
FAULTS = (RedriveRefused, Missing, Undecodable)
AWAY = (KafkaError, OSError, NotTaken)


class Desk:
    """Connections to Kafka and, once a message is to go there, RabbitMQ. None is waited for longer than `SECONDS`.

    `unsure` tells of letters for whose handling something was written and not acknowledged: what is not known of each.
    """

    def __init__(self, settings: Settings, words: Words) -> None:
        self.unsure: dict[str, str] = {}
        self._settings, self._words = settings, words
        self._consumer = plain_consumer(settings.kafka_url)
        self._producer = Producer(bootstrap(settings.kafka_url))
        self._rabbitmq: Connection | None = None
        self._following = -1
        self._end = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, words: Words) -> AsyncIterator["Desk"]:
        """A desk, for as long as it is needed. Raises one of `AWAY`."""
        desk = cls(settings, words)
        async with AsyncExitStack() as stack:
            for close in (desk._let_go, desk._producer.discard, desk._hang_up):
                stack.push_async_callback(close)
            async with _answering("Kafka"):
                await desk._consumer.start()
            yield desk

    async def original(self, order: Order) -> Report:
        """The letter as it was written. Raises `Missing`, or one of `AWAY`."""
        async with _answering("Kafka"):
            record = await self._read(order)
        report = read(record.value)
        if record.offset != order.offset or report.id != order.letter:
            raise Missing(f"expected {order.letter} at offset {order.offset} of {DEAD_LETTERS}, got {report.id}")
        return report

    async def handle(self, verb: Verb, order: Order) -> str | None:
        """All of it, acknowledged; or why not, if this letter is at fault. Raises one of `AWAY`."""
        try:
            await (self.redrive(order) if verb == "redrive" else self.drop(order))
        except FAULTS as error:
            return str(error)
        return None

    async def redrive(self, order: Order) -> None:
        """Both steps, acknowledged. Raises one of `FAULTS`, if this letter is at fault, or of `AWAY`."""
        await self.tell(await self.put_back(order))

    async def put_back(self, order: Order) -> Redriven:
        """The first step; the second is to `tell` what it returns."""
        original = back((await self.original(order)).letter)
        if isinstance(original, Mail):
            await self._post(original, order.letter)
            done = Redriven(order.letter, order.offset, original.queue)
        else:
            partition, offset = await self._write(original, order.letter, UNSURE)
            done = Redriven(order.letter, order.offset, original.topic, partition, offset)
        self.unsure[order.letter] = UNTOLD
        return done

    async def drop(self, order: Order) -> None:
        """Give it up for good."""
        await self.tell(Dropped(order.letter, order.offset))

    async def tell(self, done: Redriven | Dropped) -> None:
        """Write the operation."""
        event = Event(done, clock.now(), self._words.source, self._words.by, self._words.why)
        doubt = UNTOLD if isinstance(done, Redriven) else UNDROPPED
        await self._write(operations.to_record(event), done.letter, doubt)
        del self.unsure[done.letter]

    async def _read(self, order: Order) -> ConsumerRecord:
        place = TopicPartition(DEAD_LETTERS, 0)
        gone = Missing(f"{order.letter}: expected it at offset {order.offset} of {DEAD_LETTERS}, it is gone")
        if order.offset >= self._end:
            self._end = (await self._consumer.end_offsets([place]))[place]
        if order.offset >= self._end:  # to read there would be to wait for the next letter
            raise gone
        if order.offset != self._following:
            if not self._consumer.assignment():
                self._consumer.assign([place])
            self._consumer.seek(place, order.offset)
        self._following = -1
        try:
            record = await self._consumer.getone(place)
        except OffsetOutOfRangeError as error:
            raise gone from error
        self._following = record.offset + 1
        return record

    async def _write(self, record: Record, letter: str, doubt: str) -> tuple[int, int]:
        async with _answering("Kafka"):
            await self._producer.connect()  # until then nothing is in doubt
            self.unsure[letter] = doubt
            (written,) = await self._producer.write([record])
        return written.partition, written.offset

    async def _post(self, mail: Mail, letter: str) -> None:
        async with _answering("RabbitMQ"):
            if self._rabbitmq is None or self._rabbitmq.gone.done():
                self._rabbitmq = await connect(self._settings.rabbitmq_url)
                for queue in QUEUES:
                    await self._rabbitmq.declare(queue)
            confirmed = await self._rabbitmq.send(mail.queue, mail.envelope, mail.body)
            self.unsure[letter] = UNSURE
            try:
                await confirmed
            except NotTaken:
                del self.unsure[letter]
                raise

    async def _let_go(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._consumer.stop(), CLOSED_WITHIN)

    async def _hang_up(self) -> None:
        if self._rabbitmq is not None:
            await self._rabbitmq.close()


@asynccontextmanager
async def _answering(server: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(SECONDS):
            yield
    except TimeoutError as error:
        raise TimeoutError(f"{server} did not answer within {SECONDS:g} s") from error


def doubts(unsure: Mapping[str, str]) -> str:
    """What is not known, in sentences that come after another."""
    return "".join(f" Of {letter}, {what}." for letter, what in unsure.items())


async def paced(orders: Sequence[Order], rate: float) -> AsyncIterator[Order]:
    """In the order in which they were written, at most `rate` a second."""
    began = time.monotonic()
    for number, order in enumerate(sorted(orders, key=lambda order: order.offset)):
        await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
        yield order
