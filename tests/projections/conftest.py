"""A log and a database of each test's own, on the shared servers."""

import itertools
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import AsyncMongoClient

from deploy.declare import declare_topics
from projections.store import declare
from streams.kafka.publisher import bootstrap
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS, OPERATIONS, catalogue
from tests.projections.stored import until

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
    names = (EVENTS, DEAD_LETTERS, OPERATIONS)
    wanted = {topic.name: topic for topic in catalogue(settings.partitions, ()) if topic.name in names}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(settings.kafka_url))
    await admin.start()
    try:
        await admin.delete_topics(list(wanted))

        async def gone() -> bool:
            return not wanted.keys() & set(await admin.list_topics())

        await until(gone)
        await declare_topics(settings.kafka_url, wanted.values())
    finally:
        await admin.close()
