"""A log and a database of each test's own, on the shared servers."""

import itertools
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from pymongo import AsyncMongoClient

from projections.schema import declare
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS, OPERATIONS
from tests.support.broker import renew

NUMBERS = itertools.count()


@pytest.fixture
async def settings(servers: Settings) -> AsyncIterator[Settings]:
    """The log is empty and new, and so is the database."""
    name = f"projections-{next(NUMBERS)}"
    own_redis = servers.redis_url.removesuffix("/0") + "/2"
    made = servers.model_copy(update={"mongo_database": name, "projection_window": 0.05, "redis_url": own_redis})
    async with redis.asyncio.Redis.from_url(own_redis) as kept:
        await kept.flushdb()
    await renew_log(made)
    await declare(made)
    yield made
    async with AsyncMongoClient[dict[str, object]](made.mongo_url) as client:
        await client.drop_database(name)


async def renew_log(settings: Settings) -> None:
    """Make the topics that the projections read and write anew."""
    await renew(settings, EVENTS, DEAD_LETTERS, OPERATIONS)
