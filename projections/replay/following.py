"""`notification-operations` in, a book of replays that is up with it out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from projections.replay.book import Book
from streams.kafka.consuming import plain_consumer
from streams.topics import OPERATIONS

PLACE = TopicPartition(OPERATIONS, 0)
PATIENCE_MS = 500

Take = Callable[[bytes | None], object]
"""Is told of a record's value."""


class Follower:
    """Reads on whenever it is asked to, and tells others too what is on the topic. Raises aiokafka's errors."""

    def __init__(self, consumer: AIOKafkaConsumer, *others: Take) -> None:
        self.book = Book()
        self._consumer, self._told = consumer, (self.book.take, *others)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *others: Take) -> AsyncIterator["Follower"]:
        """From the beginning of the topic."""
        consumer = plain_consumer(url, reset="earliest")
        try:
            await consumer.start()
            consumer.assign([PLACE])
            consumer.seek(PLACE, 0)
            yield cls(consumer, *others)
        finally:
            await consumer.stop()

    async def catch_up(self) -> Book:
        """With all that is on the topic now."""
        end = (await self._consumer.end_offsets([PLACE]))[PLACE]
        while await self._consumer.position(PLACE) < end:
            await self.more()
        return self.book

    async def more(self) -> None:
        """With what comes next, if something does soon."""
        batches = await self._consumer.getmany(PLACE, timeout_ms=PATIENCE_MS)
        for record in batches.get(PLACE, []):
            for take in self._told:
                take(record.value)
