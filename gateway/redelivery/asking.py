"""Wishes in; the events that ask for them on the log out, once what is stored has passed the log's end.

The order is what keeps numbers apart: the time, the log's end, what is stored once it has come there, then the events.
What another wish did in between, lifecycle still has in its table; what it has forgotten by then, it refuses.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from gateway.redelivery.wishes import Again, Keys, Refusal, Wish, Words, ask, line_id
from projections.models import family
from projections.mongo import errors as mongo
from projections.position import UNREAD, key
from projections.present.reads import Reads
from streams import clock
from streams.kafka.offsets import opened
from streams.kafka.publisher import Late, Publisher
from streams.record import Oversized, Record
from streams.said import said
from streams.settings import Settings
from streams.topics import EVENTS

PATIENCE = 10.0
"""Seconds: for the read models to pass the log's end, and for Kafka to take what is written."""
LOOK = 0.05
"""Seconds between two looks at how far the read models are."""


class Unavailable(Exception):
    """A server is away, or the read models are far behind; what was asked for may be on the log or not."""


@dataclass(slots=True)
class Asked:
    """What came of wishes, by notification: on the log now, on the log before, or refused."""

    written: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)

    def add(self, other: "Asked") -> None:
        """With what came of others."""
        self.written += other.written
        self.again += other.again
        self.refused |= other.refused


class Asking:
    """Asks for redeliveries, with connections that somebody else opens and closes."""

    def __init__(self, settings: Settings, reads: Reads, publisher: Publisher) -> None:
        self._url, self._reads, self._publisher = settings.kafka_url, reads, publisher
        self._keys = Keys(settings.recipient_secret.get_secret_value(), settings.partitions)
        self._places = [TopicPartition(EVENTS, number) for number in range(settings.partitions)]

    async def ask(self, wishes: Sequence[Wish], words: Words) -> Asked:
        """Returns when the log has them. Raises `Unavailable`: then ask again, under the same names."""
        now, records, asked = clock.now(), list[Record](), Asked()
        try:
            await self._caught_up()
            stored = await self._reads.several([wish.notification for wish in wishes])
            lines = await self._reads.entries([line_id(wish) for wish in wishes])
        except (KafkaError, TimeoutError, mongo.Unavailable) as error:
            raise Unavailable(f"what is known of it can't be read ({said(error)})") from error
        for wish in dict.fromkeys(wishes):
            match ask(wish, stored.get(wish.notification), lines.get(line_id(wish)), words, self._keys, now):
                case Record() as record:
                    records.append(record)
                    asked.written.append(wish.notification)
                case Again():
                    asked.again.append(wish.notification)
                case Refusal() as refusal:
                    asked.refused[wish.notification] = refusal
        await self.write(records)
        return asked

    async def write(self, records: Sequence[Record]) -> None:
        """Have Kafka take them. Raises `Unavailable`."""
        try:
            await self._publisher.publish(records, within=PATIENCE)
        except (Late, Oversized) as error:
            raise Unavailable(str(error)) from error

    async def _caught_up(self) -> None:
        """Returns when both read models have taken in what was on the log when this was called."""
        async with asyncio.timeout(PATIENCE):
            async with opened(self._url) as offsets:
                ends = {place.partition: extent.end for place, extent in (await offsets.extents(self._places)).items()}
            while any(reached + 1 < ends[number] for number, reached in (await self._reached()).items()):  # noqa: ASYNC110
                await asyncio.sleep(LOOK)

    async def _reached(self) -> dict[int, int]:
        stored = await self._reads.positions()
        numbers = [place.partition for place in self._places]
        return {
            number: min(stored.get(key(name, number), {}).get("offset", UNREAD) for name in family("present"))
            for number in numbers
        }
