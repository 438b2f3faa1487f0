"""Two readers of one class of lanes on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from streams.delivery.lane_reader import Fetched, LaneReader
from streams.events import CHANNELS
from streams.kafka.publisher import Publisher
from streams.record import Record
from streams.settings import Settings
from streams.topics import lane
from tests.support.broker import renew


@pytest.fixture
async def lanes(declared: Settings) -> AsyncIterator[Settings]:
    """The lanes of the class are empty, and will be."""
    names = [lane(channel, "promotional") for channel in CHANNELS]
    await renew(declared, *names)
    yield declared
    await renew(declared, *names)


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
                    assert first.tenure.number == before + 1
                finally:
                    await first.tenure.claiming.acquire()


async def test_what_a_fetch_gives_that_waited_through_a_rebalance_is_of_the_tenure_that_began(lanes: Settings) -> None:
    async with reading(lanes, "first") as first, AsyncExitStack() as later:
        await owns_some(first)
        before, mine = first.tenure.number, list(first.consumer.assignment())
        waiting = asyncio.create_task(first.fetch(mine, 1, 60_000))
        await owns_some(await later.enter_async_context(reading(lanes, "second")))
        await owns_some(first)
        kept = min(first.consumer.assignment())
        async with Publisher(lanes.kafka_url) as publisher:
            await publisher.publish([Record(kept.topic, b"key", b"value", partition=kept.partition)])
        fetched = await waiting
        assert [record.value for record in fetched.records] == [b"value"]
        assert first.tenure.number > before
        async with first.tenure.claiming:
            assert first.held([fetched]) == fetched.records


async def test_what_was_fetched_before_a_rebalance_is_not_held_after_it(declared: Settings) -> None:
    reader = LaneReader(declared, "promotional", Publisher(declared.kafka_url))
    fetched = Fetched(reader.tenure.number, [object()])
    assert reader.held([fetched]) == fetched.records
    await reader.tenure.on_partitions_revoked(set())
    assert reader.held([fetched]) == []
