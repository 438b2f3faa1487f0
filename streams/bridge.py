"""RabbitMQ's two queues in, `notification-requests` and dead letters out; no state but what is in flight.

RabbitMQ is told that a message is done only once Kafka has its record. A crash in between makes a second record with
the same id, which admit drops. Any number of bridges may run.
"""

import asyncio
import logging
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from datetime import datetime

from streams import clock
from streams.dead_letters import Reason, Source, dead_letter
from streams.intake.amqp import Connection, Lost, keep_connected
from streams.intake.amqp_wire import BrokenFrame, Delivery, decode_properties
from streams.intake.requests import SOURCE, TIME_HEADER, Message, Refused, properties, record_key, requested
from streams.kafka import FEW, REST, Late, Publisher
from streams.metrics import Reading
from streams.progress import Look
from streams.record import Oversized, Record, check_size
from streams.settings import Settings
from streams.topics import JOBS_QUEUE, REQUESTS, SOCIAL_QUEUE
from streams.vitals import Vitals

log = logging.getLogger(__name__)

PREFETCH = 256
"""Messages in flight per queue: bounds the memory, and what comes again after a crash."""
AT_ONCE = 4 * 1024 * 1024
"""Bytes handed over in one go, about: what a busy Kafka takes well within `PATIENCE`, or it would never end."""
PATIENCE = 5.0
"""Seconds after which a bridge that waits for Kafka looks whether it is to stop."""


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Carry messages over until `stopping`; a RabbitMQ or Kafka that is away is waited for."""
    publisher, traffic = Publisher(settings.kafka_url), Traffic()
    vitals.publishes(publisher)
    vitals.measure(traffic.readings)
    vitals.watch(lambda: {"bridge carries": traffic.look()})

    async def carry(connection: Connection) -> None:
        try:
            await Crossing(settings, publisher, stopping, connection, traffic).carry()
        except Lost:
            vitals.errors["rabbitmq"] += 1
            raise

    await publisher.start()
    try:
        await keep_connected(settings.rabbitmq_url, stopping, carry)
    finally:
        await publisher.stop()


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


class Crossing:
    """What one connection delivers, on its way over: as many messages at a time as have arrived."""

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        stopping: asyncio.Event,
        connection: Connection,
        traffic: Traffic,
    ) -> None:
        self._settings, self._publisher, self._stopping, self._connection = settings, publisher, stopping, connection
        self._traffic = traffic
        self._taken: list[tuple[int, datetime, Delivery | Record]] = []
        """Tag and time of what was delivered and is not acknowledged yet; as a record already if it is large."""
        self._news = asyncio.Event()

    async def carry(self) -> None:
        """Returns on `stopping`, when all that was taken is over. Raises `Lost`."""
        self._traffic.under_way = self._taken
        watch = asyncio.ensure_future(self._stopping.wait())
        for interruption in (watch, self._connection.gone):
            interruption.add_done_callback(lambda _: self._news.set())
        try:
            for queue in (JOBS_QUEUE, SOCIAL_QUEUE):
                await self._connection.declare(queue)
                await self._connection.consume(queue, self._take, PREFETCH)
            while not self._stopping.is_set():
                await self._news.wait()
                self._news.clear()
                if await self._hand_over() < FEW:
                    await self._connection.rest(REST)
            await self._connection.stop_consuming()
            await self._hand_over()
        finally:
            watch.cancel()
            self._traffic.under_way = ()  # RabbitMQ has them still, and will deliver them again

    def _take(self, delivery: Delivery) -> None:
        received = clock.now()
        large = len(delivery.body) > self._settings.max_request_bytes
        self._taken.append((delivery.tag, received, self._record(delivery, received) if large else delivery))
        self._news.set()

    def _record(self, taken: Delivery | Record, received: datetime) -> Record:
        return to_record(to_message(taken), received, self._settings) if isinstance(taken, Delivery) else taken

    async def _hand_over(self) -> int:
        """How many messages were carried. One acknowledgement for all: tags have no gaps, so it covers nothing else."""
        if self._connection.gone.done():
            raise Lost(self._connection.gone.result())
        taken = self._first()
        if taken and await self._published([self._record(item, received) for _, received, item in taken]):
            self._connection.acknowledge(taken[-1][0], multiple=True)
            del self._taken[: len(taken)]
            self._traffic.carried += len(taken)
            self._traffic.batches += 1
            if self._taken:
                self._news.set()
        return len(taken)

    def _first(self) -> list[tuple[int, datetime, Delivery | Record]]:
        """What goes over next: all that was taken, unless it is too much."""
        size = 0
        for number, (_, _, item) in enumerate(self._taken, start=1):
            size += len(item.body if isinstance(item, Delivery) else item.value or b"")
            if size >= AT_ONCE:
                return self._taken[:number]
        return list(self._taken)

    async def _published(self, records: list[Record]) -> bool:
        """Whether Kafka has them all. False only on `stopping`: RabbitMQ will deliver them again."""
        while True:
            try:
                await self._publisher.publish(records, within=PATIENCE)
            except Late as error:
                if self._stopping.is_set():
                    return False
                self._traffic.hindered = "Kafka does not take them"
                log.warning("Kafka does not take %d records, still trying: %s", len(records), error)
            else:
                self._traffic.hindered = ""
                return True


def to_record(message: Message, received: datetime, settings: Settings) -> Record:
    """The record a message becomes: a request, or a dead letter that says why it is none."""
    try:
        event = requested(message, received, settings)
        record = Record.of(event, REQUESTS, record_key(event))
        check_size((record,))
    except Refused as refused:
        return _dead(message, received, refused.reason, refused)
    except Oversized as oversized:
        return _dead(message, received, "oversized", oversized)
    except Exception as bug:  # a message that meets a bug must not keep all others from passing
        log.exception("a message on %s met a bug", message.queue)
        return _dead(message, received, "rule-failed", bug)
    return record


def to_message(delivery: Delivery) -> Message:
    """What was delivered, as far as it matters here."""
    try:
        known = decode_properties(delivery.properties)
    except BrokenFrame as error:
        return Message(delivery.consumer, delivery.body, unreadable=str(error))
    return Message(
        delivery.consumer,
        delivery.body,
        known.message_id,
        known.app_id,
        known.correlation_id,
        known.timestamp,
        (known.headers or {}).get(TIME_HEADER),
        delivery.redelivered,
    )


def _dead(message: Message, received: datetime, reason: Reason, error: Exception) -> Record:
    return dead_letter(
        reason=reason,
        stage=SOURCE,
        error=str(error),
        source=Source(message.queue),
        key=None,
        body=message.body,
        time=received,
        properties=properties(message),
    )
