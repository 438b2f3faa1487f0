"""A small history on real servers, its read models made by the projections, and everything worked off."""

import itertools
from collections.abc import AsyncIterator

import pytest
from pymongo import AsyncMongoClient

from deploy.bench import history
from projections.schema import declare
from streams.settings import Settings
from tests.projections.stored import projecting, until_caught_up
from tests.support.broker import renew

EVENTS = 300
NUMBERS = itertools.count()


@pytest.fixture
async def worked_off(servers: Settings) -> AsyncIterator[Settings]:
    """The log of a system that has nothing left to do, and a database that says so. Every audit reads all topics."""
    settings = servers.model_copy(update={"mongo_database": f"audit-{next(NUMBERS)}", "projection_window": 0.05})
    await renew(settings)
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
