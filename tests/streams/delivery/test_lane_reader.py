"""Two readers of one class of lanes on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest
from aiokafka import TopicPartition

from streams.delivery.lane_reader import Fetched, LaneReader
from streams.kafka.publisher import Publisher
from streams.record import Record
from streams.settings import Settings
from tests.support.broker import declare


@pytest.fixture
async def own_lane(declared: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """The one lane that there is, of a group of its own."""
    name = f"lane-{uuid4().hex[:8]}"
    await declare(declared.kafka_url, name)
    monkeypatch.setattr("streams.delivery.lane_reader.CHANNELS", ("email",))
    monkeypatch.setattr("streams.delivery.lane_reader.lane", lambda *_: name)
    monkeypatch.setattr("streams.delivery.lane_reader.deliver_group", lambda _: name)
    return name


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


async def test_what_a_fetch_gives_that_waited_through_a_rebalance_is_of_the_tenure_that_began(
    declared: Settings, own_lane: str
) -> None:
    async with reading(declared, "first") as first, AsyncExitStack() as later, Publisher(declared.kafka_url) as writing:
        await owns_some(first)
        before, mine = first.tenure.number, list(first.consumer.assignment())
        await first.consumer.commit(dict.fromkeys(mine, 0))
        await at_the_beginning(first, mine)
        waiting = asyncio.create_task(first.fetch(mine, 1, 60_000))
        await owns_some(await later.enter_async_context(reading(declared, "second")))
        await owns_some(first)
        kept = min(first.consumer.assignment())
        await writing.publish([Record(own_lane, b"key", b"value", kept.partition)])
        fetched = await waiting
        assert [record.value for record in fetched.records] == [b"value"]
        assert first.tenure.number > before
        async with first.tenure.claiming:
            assert first.held([fetched]) == fetched.records


async def at_the_beginning(reader: LaneReader, places: list[TopicPartition]) -> None:
    """Returns once it reads there; that nothing was committed it may have heard before."""
    for place in places:
        reader.consumer.seek(place, 0)
    for _ in places:
        await reader.fetch(places, 1)


async def test_what_was_fetched_before_a_rebalance_is_not_held_after_it(declared: Settings) -> None:
    async with reading(declared, "first") as reader:
        fetched = Fetched(reader.tenure.number, [object()])
        assert reader.held([fetched]) == fetched.records
        await reader.tenure.on_partitions_revoked(set())
        assert reader.held([fetched]) == []
