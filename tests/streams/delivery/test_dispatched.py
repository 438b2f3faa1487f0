"""A lane record written twice is told from one that is read again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from deploy.servers.redis import Redis as RedisServer
from streams.delivery.dispatched import WINDOW, Dispatched, Sighting
from streams.settings import Settings
from tests.support.private import Private


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


class Refusing:
    """A client whose script fails in each of these ways, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.waited_for: list[str] = []
        self._errors = list(errors)
        self.dispatched = Dispatched(cast("Redis", self))

    def register_script(self, _: str) -> Any:  # noqa: ANN401 - a callable of redis-py
        return self._ask

    async def _ask(self, keys: list[str], args: list[int | str]) -> list[int]:
        self.waited_for.append(self.dispatched.waits)
        if self._errors:
            raise self._errors.pop(0)
        assert (len(keys), len(args)) == (1, 4)
        return [1]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.delivery.dispatched.PAUSES", (0.0,))


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "error",
    [
        ResponseError("MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk"),
        ReadOnlyError("You can't write against a read only replica."),
        OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        BusyLoadingError("Redis is loading the dataset in memory"),
        ConnectionRefusedError(),
    ],
)
async def test_a_redis_that_refuses_is_asked_until_it_answers(
    error: RedisError | OSError, lane: TopicPartition
) -> None:
    redis = Refusing(error, error)
    assert await redis.dispatched.fresh([Sighting(lane, 0, "a")]) == [True]
    waiting = f"Redis is away or refuses: {error!r}"
    assert redis.waited_for == ["Redis has not answered yet", waiting, waiting]
    assert (redis.dispatched.waits, redis.dispatched.failures) == ("", 2)


@pytest.mark.integration
async def test_a_redis_without_memory_is_waited_for_and_says_so(lane: TopicPartition, tmp_path: Path) -> None:
    server = Private(RedisServer(), tmp_path)
    server.start()
    try:
        async with Redis.from_url(server.url) as redis, asyncio.timeout(60):
            dispatched = Dispatched(redis)
            await redis.config_set("maxmemory-policy", "noeviction")
            await redis.config_set("maxmemory", 1)
            asking = asyncio.create_task(dispatched.fresh([Sighting(lane, 0, "a"), Sighting(lane, 1, "a")]))
            while dispatched.failures < 2:  # noqa: ASYNC110 - it tells only who asks
                await asyncio.sleep(0.05)
            assert "refuses" in dispatched.waits
            await redis.config_set("maxmemory", 0)
            assert await asking == [True, False]
    finally:
        server.stop()


@pytest.mark.integration
async def test_asking_again_after_a_lost_answer_makes_no_repeats(lane: TopicPartition, tmp_path: Path) -> None:
    server = Private(RedisServer(), tmp_path)
    server.start()
    sightings = [Sighting(lane, 0, "a"), Sighting(lane, 1, "a"), Sighting(lane, 2, "b")]
    try:
        async with Redis.from_url(server.url, socket_timeout=0.2) as redis, asyncio.timeout(60):
            dispatched = Dispatched(redis)
            await redis.ping()
            server.freeze()  # it will carry out what it is sent meanwhile, and the answers go nowhere
            asking = asyncio.create_task(dispatched.fresh(sightings))
            while dispatched.failures < 2:  # noqa: ASYNC110 - it tells only who asks
                await asyncio.sleep(0.05)
            server.thaw()
            assert await asking == [True, False, True]
    finally:
        server.stop()
