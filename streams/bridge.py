"""RabbitMQ's two queues in, `notification-requests` and dead letters out; no state but what is in flight.

RabbitMQ is told that a message is done only once Kafka has its record. A crash in between makes a second record with
the same id, which admit drops. Any number of bridges may run.

Social requests get their texts here, with the names and titles known to whatever the runner hands in to look them up.
"""

import asyncio
import logging
from collections.abc import Iterator, Sized
from dataclasses import dataclass, field
from datetime import datetime

from streams import clock
from streams.health.metrics import Reading
from streams.health.progress import Look
from streams.health.vitals import Vitals
from streams.intake.amqp import Connection, Lost, keep_connected
from streams.intake.amqp_wire import Delivery
from streams.intake.directory import LookUp
from streams.intake.names import NOBODY, Names, mentions
from streams.intake.records import to_message, to_record
from streams.kafka.publisher import FEW, REST, Late, Publisher
from streams.record import Record
from streams.settings import Settings
from streams.topics import QUEUES, SOCIAL_QUEUE

log = logging.getLogger(__name__)

PREFETCH = 256
"""Messages in flight per queue: bounds the memory, and what comes again after a crash."""
AT_ONCE = 4 * 1024 * 1024
"""Bytes handed over in one go, about: what a busy Kafka takes well within `PATIENCE`, or it would never end."""
PATIENCE = 5.0
"""Seconds after which a bridge that waits for Kafka looks whether it is to stop."""

Taken = tuple[int, datetime, Delivery | Record]


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals, look_up: LookUp | None = None) -> None:
    """Carry messages over until `stopping`; a RabbitMQ or Kafka that is away is waited for, a directory hardly."""
    bridge = Bridge(settings, stopping, Publisher(settings.kafka_url), look_up)
    vitals.publishes(bridge.publisher)
    vitals.measure(bridge.traffic.readings)
    vitals.watch(lambda: {"bridge carries": bridge.traffic.look()})

    async def carry(connection: Connection) -> None:
        try:
            await Crossing(bridge, connection).carry()
        except Lost:
            vitals.errors["rabbitmq"] += 1
            raise

    async with bridge.publisher:
        await keep_connected(settings.rabbitmq_url, stopping, carry)


@dataclass(slots=True)
class Traffic:
    """What has crossed by all connections so far, and what is on its way by the present one."""

    carried: int = 0
    batches: int = 0
    under_way: Sized = ()
    hindered: str = ""
    """Why nothing crosses now."""

    def look(self) -> Look:
        """Whether it moves."""
        return Look(self.carried, len(self.under_way), self.hindered)

    def readings(self) -> Iterator[Reading]:
        """For `/metrics`."""
        yield Reading("tidings_events_in_total", self.carried, ("rabbitmq",))
        yield Reading("tidings_batches_total", self.batches)
        yield Reading("tidings_in_flight", len(self.under_way), ("unacknowledged messages",))


@dataclass(frozen=True, slots=True)
class Bridge:
    """What outlives any one connection to RabbitMQ."""

    settings: Settings
    stopping: asyncio.Event
    publisher: Publisher
    look_up: LookUp | None = None
    traffic: Traffic = field(default_factory=Traffic)

    async def publish(self, records: list[Record]) -> bool:
        """Whether Kafka has them all. False only on `stopping`: RabbitMQ will deliver them again."""
        while True:
            try:
                await self.publisher.publish(records, within=PATIENCE)
            except Late as error:
                if self.stopping.is_set():
                    return False
                self.traffic.hindered = "Kafka does not take them"
                log.warning("Kafka does not take %d records, still trying: %s", len(records), error)
            else:
                self.traffic.hindered = ""
                return True


class Crossing:
    """What one connection delivers, on its way over: as many messages at a time as have arrived."""

    def __init__(self, bridge: Bridge, connection: Connection) -> None:
        self._bridge, self._connection = bridge, connection
        self._taken: list[Taken] = []
        """Tag and time of what was delivered and is not acknowledged yet; as a record already if it is large."""
        self._news = asyncio.Event()

    async def carry(self) -> None:
        """Returns on `stopping`, when all that was taken is over. Raises `Lost`."""
        self._bridge.traffic.under_way = self._taken
        watch = asyncio.ensure_future(self._bridge.stopping.wait())
        for interruption in (watch, self._connection.gone):
            interruption.add_done_callback(lambda _: self._news.set())
        try:
            for queue in QUEUES:
                await self._connection.declare(queue)
                await self._connection.consume(queue, self._take, PREFETCH)
            while not self._bridge.stopping.is_set():
                await self._news.wait()
                self._news.clear()
                if await self._hand_over() < FEW:
                    await self._connection.rest(REST)
            await self._connection.stop_consuming()
            await self._hand_over()
        finally:
            watch.cancel()
            self._bridge.traffic.under_way = ()  # RabbitMQ has them still, and will deliver them again

    def _take(self, delivery: Delivery) -> None:
        received = clock.now()
        large = len(delivery.body) > self._bridge.settings.max_request_bytes
        self._taken.append((delivery.tag, received, self._record(delivery, received, NOBODY) if large else delivery))
        self._news.set()

    def _record(self, taken: Delivery | Record, received: datetime, names: Names) -> Record:
        if isinstance(taken, Record):
            return taken
        return to_record(to_message(taken), received, self._bridge.settings, names)

    async def _records(self, taken: list[Taken]) -> list[Record]:
        social = [item.body for _, _, item in taken if isinstance(item, Delivery) and item.consumer == SOCIAL_QUEUE]
        look_up = self._bridge.look_up
        names = await look_up.names(mentions(social)) if social and look_up else NOBODY
        return [self._record(item, received, names) for _, received, item in taken]

    async def _hand_over(self) -> int:
        """How many messages were carried. One acknowledgement for all: tags have no gaps, so it covers nothing else."""
        if self._connection.gone.done():
            raise Lost(self._connection.gone.result())
        taken = self._first()
        if taken and await self._bridge.publish(await self._records(taken)):
            self._connection.acknowledge(taken[-1][0], multiple=True)
            del self._taken[: len(taken)]
            self._bridge.traffic.carried += len(taken)
            self._bridge.traffic.batches += 1
            if self._taken:
                self._news.set()
        return len(taken)

    def _first(self) -> list[Taken]:
        """What goes over next: all that was taken, unless it is too much."""
        size = 0
        for number, (_, _, item) in enumerate(self._taken, start=1):
            size += len(item.body if isinstance(item, Delivery) else item.value or b"")
            if size >= AT_ONCE:
                return self._taken[:number]
        return list(self._taken)
