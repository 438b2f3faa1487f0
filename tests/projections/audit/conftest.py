"""A small history on real servers, its read models made by the projections, and everything worked off."""

import itertools
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import AsyncMongoClient

from deploy.bench import history
from deploy.declare import declare_topics
from projections.store import declare
from streams.kafka.publisher import bootstrap
from streams.settings import Settings
from streams.topics import catalogue
from tests.projections.stored import projecting, until, until_caught_up

EVENTS = 300
NUMBERS = itertools.count()


@pytest.fixture
async def worked_off(servers: Settings) -> AsyncIterator[Settings]:
    """The log of a system that has nothing left to do, and a database that says so."""
    settings = servers.model_copy(update={"mongo_database": f"audit-{next(NUMBERS)}", "projection_window": 0.05})
    await renew_topics(settings)
    await declare(settings)
    await history.write(settings, EVENTS, lambda _: None)
    await project(settings)
    yield settings
    async with AsyncMongoClient[dict[str, object]](settings.mongo_url) as client:
        await client.drop_database(settings.mongo_database)


async def project(settings: Settings) -> None:
    """Have the projections take in all that is on the log."""
    async with projecting(settings):
        await until_caught_up(settings)


async def renew_topics(settings: Settings) -> None:
    """Make all topics anew, since every audit reads all of them; the groups' offsets go with them."""
    wanted = {topic.name: topic for topic in catalogue(settings.partitions, ())}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(settings.kafka_url))
    await admin.start()
    try:
        there = wanted.keys() & set(await admin.list_topics())
        if there:
            await admin.delete_topics(list(there))

        async def gone() -> bool:
            return not wanted.keys() & set(await admin.list_topics())

        await until(gone)
        await declare_topics(settings.kafka_url, wanted.values())
    finally:
        await admin.close()
