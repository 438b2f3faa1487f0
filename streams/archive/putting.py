"""Records to partitions that nobody else writes to, as they were: key, value, headers, time, order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import repeat

from aiokafka import AIOKafkaProducer, TopicPartition

from streams.archive.layout import Stored
from streams.exits import Refused
from streams.kafka.bootstrap import bootstrap
from streams.kafka.producer import discarded, idempotent

NOTHING = b""
FILLED_AT_ONCE = 50_000
"""Records without anything in them."""
PATIENCE = 40.0
"""Seconds for which a partition may have no leader: longer than a broker takes to start again."""


class Putter:
    """A producer, which waits for a broker that is away, and `PATIENCE` for one that has said goodbye.

    Raises aiokafka's errors; then it is over, and what was written stays.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def put(self, place: TopicPartition, records: Sequence[Stored], first: int | None) -> None:
        """Returns when the broker has them. Raises `Refused` if the first did not get this offset, where one is named.

        One batch at a time: with the next one on its way already, a refused one would leave a gap.
        """
        left = list(reversed(records))
        while left:
            batch, count = self._producer.create_batch(), 0
            while left and batch.append(
                timestamp=left[-1].timestamp, key=left[-1].key, value=left[-1].value, headers=list(left[-1].headers)
            ):
                left.pop()
                count += 1
            batch.close()
            written = await (await self._producer.send_batch(batch, place.topic, partition=place.partition))
            if first is not None:
                _refuse_company(place, first, written.offset)
                first += count

    async def fill(self, place: TopicPartition, begin: int, until: int, timestamp: int) -> None:
        """Write nothing, from offset `begin` on, so often that the next record gets offset `until`."""
        for first in range(begin, until, FILLED_AT_ONCE):
            count = min(FILLED_AT_ONCE, until - first)
            await self.put(place, list(repeat(Stored(0, timestamp, None, NOTHING), count)), first)


def _refuse_company(place: TopicPartition, wanted: int, got: int) -> None:
    if wanted != got:
        raise Refused(
            f"{place.topic}[{place.partition}]: expected to write at offset {wanted}, it was {got}: somebody else "
            "writes there. Stop all workers, empty Kafka, and import again"
        )


@asynccontextmanager
async def putter(url: str) -> AsyncIterator[Putter]:
    """Connected for as long as it is needed."""
    producer = idempotent(bootstrap(url), PATIENCE)
    try:
        await producer.start()
        yield Putter(producer)
    finally:
        await discarded(producer)
