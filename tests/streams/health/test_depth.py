"""What waits in the stages, as Redis is told and the API reads it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.servers.redis import Redis as RedisServer
from streams.folding.counts import Counts
from streams.health import depth
from streams.settings import Settings
from tests.support.private import Private


@pytest.fixture
async def redis(servers: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(servers.redis_url)
    await client.delete(depth.INDEX)
    yield client
    await client.aclose()


async def total(redis: Redis) -> int:
    return int(await redis.eval(depth.SUM, 1, depth.INDEX))


async def reaches(redis: Redis, wanted: int) -> None:
    async with asyncio.timeout(60):
        while await total(redis) != wanted:
            pass


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth, "SETTLED", 0.0)


def test_unread_records_and_open_notifications_both_wait() -> None:
    assert depth.waiting(Counts(lag={0: 3, 2: 4}, open_jobs=5)) == {0: 6, 2: 6}


def test_a_worker_without_partitions_says_nothing() -> None:
    assert depth.waiting(Counts(open_jobs=5)) == {}


async def test_the_sum_is_over_all_stages_and_follows_them(redis: Redis, servers: Settings) -> None:
    admit, lifecycle = Counts(lag={0: 10}), Counts(lag={0: 1, 1: 0}, open_jobs=100)
    async with (
        depth.told(servers.redis_url, "admit:a", admit),
        depth.told(servers.redis_url, "lifecycle:a", lifecycle),
    ):
        await reaches(redis, 111)
        lifecycle.open_jobs = 50
        await reaches(redis, 61)


async def test_what_a_dead_worker_said_stands_until_the_next_owner_speaks(redis: Redis, servers: Settings) -> None:
    async with depth.told(servers.redis_url, "lifecycle:a", Counts(lag={0: 7, 1: 5})):
        await reaches(redis, 12)
    assert await total(redis) == 12
    async with depth.told(servers.redis_url, "lifecycle:b", Counts(lag={0: 100})):
        await reaches(redis, 105)


async def test_who_has_just_gained_partitions_leaves_what_was_said_of_them(
    redis: Redis, servers: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with depth.told(servers.redis_url, "lifecycle:a", Counts(lag={0: 7})):
        await reaches(redis, 7)
    monkeypatch.setattr(depth, "SETTLED", 60.0)
    monkeypatch.setattr(depth, "EVERY", 0.01)
    async with depth.told(servers.redis_url, "lifecycle:b", Counts(lag={0: 0})):
        await asyncio.sleep(0.2)  # so that it could have spoken
        assert await total(redis) == 7


async def test_what_nobody_repeats_goes_in_the_end(
    redis: Redis, servers: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth, "KEPT", 0.3)
    async with depth.told(servers.redis_url, "lifecycle:a", Counts(lag={0: 0}, open_jobs=7)):
        await reaches(redis, 7)
    await reaches(redis, 0)
    assert await redis.smembers(depth.INDEX) == set()


@pytest.mark.integration
async def test_a_redis_that_is_away_is_told_when_it_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = Private(RedisServer(), tmp_path)
    try:
        async with depth.told(server.url, "lifecycle:a", Counts(lag={0: 0}, open_jobs=7)):
            async with asyncio.timeout(60):
                while "Redis is not told" not in caplog.text:  # noqa: ASYNC110 - the log tells only who looks
                    await asyncio.sleep(0.05)
            await asyncio.to_thread(server.start)
            async with Redis.from_url(server.url) as redis:
                await reaches(redis, 7)
    finally:
        server.stop()
