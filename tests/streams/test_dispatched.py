"""A lane record written twice is told from one that is read again."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from redis.asyncio import Redis

from streams.dispatched import WINDOW, Dispatched, Sighting
from streams.settings import Settings


@pytest.fixture
async def dispatched(servers: Settings) -> AsyncIterator[Dispatched]:
    async with Redis.from_url(servers.redis_url) as redis:
        yield Dispatched(redis)


@pytest.fixture
def lane() -> TopicPartition:
    return TopicPartition(f"lane-{uuid4()}", 0)


async def test_the_first_record_of_a_dispatch_is_fresh(dispatched: Dispatched, lane: TopicPartition) -> None:
    assert await dispatched.fresh([Sighting(lane, 0, "a"), Sighting(lane, 1, "b")]) == [True, True]


async def test_a_later_record_of_the_same_dispatch_is_a_repeat(dispatched: Dispatched, lane: TopicPartition) -> None:
    assert await dispatched.fresh([Sighting(lane, 0, "a"), Sighting(lane, 1, "a")]) == [True, False]
    assert await dispatched.fresh([Sighting(lane, 2, "a")]) == [False]


async def test_a_record_read_again_is_none_since_nobody_claimed_it(
    dispatched: Dispatched, lane: TopicPartition
) -> None:
    records = [Sighting(lane, 0, "a"), Sighting(lane, 1, "b"), Sighting(lane, 2, "a")]
    assert await dispatched.fresh(records) == [True, True, False]
    assert await dispatched.fresh(records) == [True, True, False]


async def test_lane_partitions_are_apart(dispatched: Dispatched, lane: TopicPartition) -> None:
    other = TopicPartition(lane.topic, 1)
    assert await dispatched.fresh([Sighting(lane, 0, "a"), Sighting(other, 5, "a")]) == [True, True]


async def test_the_newest_4096_are_remembered(dispatched: Dispatched, lane: TopicPartition) -> None:
    await dispatched.fresh([Sighting(lane, offset, f"n{offset}") for offset in range(WINDOW + 1)])
    assert await dispatched.fresh([Sighting(lane, WINDOW + 1, "n1")]) == [False]
    assert await dispatched.fresh([Sighting(lane, WINDOW + 2, "n0")]) == [True]


async def test_nothing_to_ask_is_answered_without_asking(dispatched: Dispatched) -> None:
    assert await dispatched.fresh([]) == []
