"""What a mailbox in Redis may have lost, out of the read model: items sent and not acknowledged.

The read model is behind the log. That matters only for what the mailbox does not remember itself, which is all from
before its epoch began: if that is younger than the buffer's TTL, we wait until the read model has passed the log's end.
If it is younger than a call may take, the mailbox may even have lost what is not known as sent yet, only as `sending`.
"""

import asyncio
from contextlib import AsyncExitStack

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from gateway.socket.mailboxes import Unavailable
from gateway.socket.session import Stored
from gateway.socket.shared import Shared
from projections.mongo import errors as mongo
from projections.position import UNREAD, Document
from projections.present.reads import Reads
from streams import clock
from streams.intake.requests import recipient_key
from streams.kafka.consuming import plain_consumer
from streams.mailbox import Item, Opening
from streams.settings import Settings
from streams.topics import EVENTS, partition_for

LIMIT = 1000
"""Items of a user that come out of the read model at once, the newest."""
PATIENCE = 10.0
"""Seconds the read model may be behind before the mailbox counts as unavailable."""


class Unread:
    """Reads what a user has not acknowledged."""

    def __init__(self, settings: Settings, reads: Reads) -> None:
        self._settings, self._reads = settings, reads
        self._call = settings.provider_timeout + settings.deadline_margin
        self._consumer: AIOKafkaConsumer | None = None
        self._ends = Shared(self._ask_ends)
        self._positions = Shared(reads.folded)

    async def unacknowledged(self, user: str, found: Opening) -> list[Stored]:
        """Oldest first. Raises `Unavailable`."""
        try:
            age = (clock.milliseconds(clock.now()) - found.born) / 1000
            if age < self._settings.mailbox_kept:
                await self._caught_up(self._partition(user))
            return [_stored(each) for each in await self._reads.unread(user, LIMIT, sending=age < self._call)]
        except (mongo.Unavailable, KafkaError, TimeoutError) as error:
            raise Unavailable(f"the read model: {error!r}") from error

    async def owns(self, user: str, notification: str) -> bool:
        """Whether it is this user's; waits for the read model where it does not know. Raises `Unavailable`."""
        try:
            document = await self._reads.job(notification)
            if document is None:
                await self._caught_up(self._partition(user))
                document = await self._reads.job(notification)
        except (mongo.Unavailable, KafkaError, TimeoutError) as error:
            raise Unavailable(f"the read model: {error!r}") from error
        return document is not None and (document["type"], document["recipient"]) == ("in-app", user)

    async def close(self) -> None:
        """Close the connection to Kafka."""
        if self._consumer is not None:
            await self._consumer.stop()

    def _partition(self, user: str) -> int:
        key = recipient_key(user, self._settings.recipient_secret.get_secret_value())
        return partition_for(key.encode(), self._settings.partitions)

    async def _caught_up(self, partition: int) -> None:
        async with asyncio.timeout(PATIENCE):
            end = (await self._ends.get())[partition]
            while (await self._positions.get()).get(partition, UNREAD) + 1 < end:
                pass

    async def _ask_ends(self) -> dict[int, int]:
        if self._consumer is None:
            async with AsyncExitStack() as opening:
                consumer = plain_consumer(self._settings.kafka_url)
                opening.push_async_callback(consumer.stop)
                await consumer.start()
                opening.pop_all()  # it stays open
            self._consumer = consumer
        places = [TopicPartition(EVENTS, number) for number in range(self._settings.partitions)]
        ends = await self._consumer.end_offsets(places)
        return {place.partition: end for place, end in ends.items()}


def _stored(document: Document) -> Stored:
    item = Item(
        document["_id"],
        document["recipient"],
        document["message"],
        document.get("eventType"),
        clock.iso(document["createdAt"]),
    )
    return Stored(item.notification_id, msgspec.json.encode(item), late=document["status"] == "sending")
