"""RabbitMQ's two queues in, `notification-requests` and dead letters out; no state but what is in flight.

RabbitMQ is told that a message is done only once Kafka has its record. A crash in between makes a second record with
the same id, which admit drops. Any number of bridges may run.

Social requests get their texts here, with the names and titles known to whatever the runner hands in to look them up.
"""

import asyncio
import logging
from datetime import datetime

from streams import clock
from streams.dead_letters import Reason, Source, dead_letter
from streams.intake.amqp import Connection, Lost, keep_connected
from streams.intake.amqp_wire import BrokenFrame, Delivery, decode_properties
from streams.intake.directory import LookUp
from streams.intake.names import NOBODY, Names, mentions
from streams.intake.requests import SOURCE, TIME_HEADER, Message, Refused, record_key, requested
from streams.kafka import FEW, REST, Late, Publisher
from streams.record import Oversized, Record, check_size
from streams.settings import Settings
from streams.topics import JOBS_QUEUE, REQUESTS, SOCIAL_QUEUE

log = logging.getLogger(__name__)

PREFETCH = 256
"""Messages in flight per queue: bounds the memory, and what comes again after a crash."""
PATIENCE = 5.0
"""Seconds after which a bridge that waits for Kafka looks whether it is to stop."""

Taken = tuple[int, datetime, Delivery | Record]


async def run(settings: Settings, stopping: asyncio.Event, look_up: LookUp | None = None) -> None:
    """Carry messages over until `stopping`; a RabbitMQ or Kafka that is away is waited for, a directory hardly."""
    publisher = Publisher(settings.kafka_url)
    await publisher.start()
    try:
        await keep_connected(
            settings.rabbitmq_url,
            stopping,
            lambda connection: Crossing(settings, publisher, stopping, connection, look_up).carry(),
        )
    finally:
        await publisher.stop()


class Crossing:
    """What one connection delivers, on its way over: as many messages at a time as have arrived."""

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        stopping: asyncio.Event,
        connection: Connection,
        look_up: LookUp | None,
    ) -> None:
        self._settings, self._publisher, self._stopping, self._connection = settings, publisher, stopping, connection
        self._look_up = look_up
        self._taken: list[Taken] = []
        """Tag and time of what was delivered and is not acknowledged yet; as a record already if it is large."""
        self._news = asyncio.Event()

    async def carry(self) -> None:
        """Returns on `stopping`, when all that was taken is over. Raises `Lost`."""
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

    def _take(self, delivery: Delivery) -> None:
        received = clock.now()
        large = len(delivery.body) > self._settings.max_request_bytes
        self._taken.append((delivery.tag, received, self._record(delivery, received, NOBODY) if large else delivery))
        self._news.set()

    def _record(self, taken: Delivery | Record, received: datetime, names: Names) -> Record:
        return to_record(to_message(taken), received, self._settings, names) if isinstance(taken, Delivery) else taken

    async def _records(self, taken: list[Taken]) -> list[Record]:
        social = [item.body for _, _, item in taken if isinstance(item, Delivery) and item.consumer == SOCIAL_QUEUE]
        names = await self._look_up.names(mentions(social)) if social and self._look_up else NOBODY
        return [self._record(item, received, names) for _, received, item in taken]

    async def _hand_over(self) -> int:
        """How many messages were carried. One acknowledgement for all: tags have no gaps, so it covers nothing else."""
        if self._connection.gone.done():
            raise Lost(self._connection.gone.result())
        taken = list(self._taken)
        if taken and await self._published(await self._records(taken)):
            self._connection.acknowledge(taken[-1][0], multiple=True)
            del self._taken[: len(taken)]
        return len(taken)

    async def _published(self, records: list[Record]) -> bool:
        """Whether Kafka has them all. False only on `stopping`: RabbitMQ will deliver them again."""
        while True:
            try:
                await self._publisher.publish(records, within=PATIENCE)
            except Late as error:
                if self._stopping.is_set():
                    return False
                log.warning("Kafka does not take %d records, still trying: %s", len(records), error)
            else:
                return True


def to_record(message: Message, received: datetime, settings: Settings, names: Names = NOBODY) -> Record:
    """The record a message becomes: a request, or a dead letter that says why it is none."""
    try:
        event = requested(message, received, settings, names)
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
        properties = decode_properties(delivery.properties)
    except BrokenFrame as error:
        return Message(delivery.consumer, delivery.body, unreadable=str(error))
    return Message(
        delivery.consumer,
        delivery.body,
        properties.message_id,
        properties.app_id,
        properties.correlation_id,
        properties.timestamp,
        (properties.headers or {}).get(TIME_HEADER),
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
    )
