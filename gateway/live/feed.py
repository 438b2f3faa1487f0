"""Status changes as they happen: events of the log in, one change each out to whoever has subscribed.

The log is read from its end, and only while somebody listens. A change that the log repeats after a crash, or that
comes late, is told once or not at all.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from gateway.live.changes import Changes
from streams.kafka.consuming import plain_consumer
from streams.kafka.waiting import waited_out
from streams.settings import Settings
from streams.topics import EVENTS

log = logging.getLogger(__name__)

Listener = Callable[[bytes], None]
"""Gets each change as JSON."""


class Feed:
    """Who listens, and what they hear; `run` has to be running."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._all: dict[Listener, None] = {}
        self._some: dict[str, dict[Listener, None]] = {}
        self._wanted = asyncio.Event()
        self._reading = asyncio.Event()

    def listen(self, listener: Listener, notification: str | None) -> None:
        """From now on, of one notification or of all."""
        listeners = self._all if notification is None else self._some.setdefault(notification, {})
        listeners[listener] = None
        self._wanted.set()

    def unlisten(self, listener: Listener, notification: str | None) -> None:
        """No more of it."""
        if notification is None:
            self._all.pop(listener, None)
        elif listeners := self._some.get(notification):
            listeners.pop(listener, None)
            if not listeners:
                del self._some[notification]
        if not self._all and not self._some:
            self._wanted.clear()

    async def reading(self) -> None:
        """Returns once nothing that happens will be missed."""
        await self._reading.wait()

    async def run(self) -> None:
        """Read while somebody listens, until cancelled. Waits for a Kafka that is away."""
        while True:
            await self._wanted.wait()
            await waited_out(self._read)

    async def _read(self) -> None:
        changes = Changes()
        async with self._consumer() as consumer:
            self._reading.set()
            try:
                while self._wanted.is_set():
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        for record in records:
                            self._tell(changes, record.value)
            finally:
                self._reading.clear()

    def _tell(self, changes: Changes, value: bytes | None) -> None:
        change = changes.read(value)
        if change is None:
            return
        text = change.encode()
        for listener in (*self._all, *self._some.get(change.notification_id, ())):
            listener(text)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = plain_consumer(self._settings.kafka_url, reset="latest", fetch_max_wait_ms=100)
        try:
            await consumer.start()
            places = [TopicPartition(EVENTS, number) for number in range(self._settings.partitions)]
            consumer.assign(places)
            await consumer.seek_to_end(*places)
            yield consumer
        finally:
            await consumer.stop()
