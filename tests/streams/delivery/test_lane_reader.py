"""Two readers of one class of lanes on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.delivery.lane_reader import LaneReader
from streams.kafka.publisher import Publisher
from streams.settings import Settings


@asynccontextmanager
async def reading(settings: Settings, worker: str) -> AsyncIterator[LaneReader]:
    publisher = Publisher(settings.kafka_url)
    reader = LaneReader(settings.model_copy(update={"worker": worker}), "promotional", publisher)
    starting = asyncio.create_task(reader.start())
    try:
        yield reader
    finally:
        await starting
        await reader.consumer.stop()


async def owns_some(reader: LaneReader) -> None:
    """Returns when it does."""
    async with asyncio.timeout(60):
        while not reader.consumer.assignment():  # noqa: ASYNC110 - aiokafka tells only who asks
            await asyncio.sleep(0.1)


async def test_partitions_are_given_up_only_between_claims(declared: Settings) -> None:
    async with reading(declared, "first") as first:
        await owns_some(first)
        mine = len(first.consumer.assignment())
        async with first.tenure.claiming:
            before = first.tenure.number
            async with reading(declared, "second") as second:
                async with asyncio.timeout(60):
                    while first.tenure.number == before:  # noqa: ASYNC110 - it is aiokafka that counts
                        await asyncio.sleep(0.1)
                assert not second.consumer.assignment()
                first.tenure.claiming.release()
                try:
                    await owns_some(second)
                    assert len(second.consumer.assignment()) < mine
                    assert first.tenure.number == before + 2
                finally:
                    await first.tenure.claiming.acquire()
