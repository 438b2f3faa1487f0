"""The gateway on a port of its own, with a database of each test's own; its clients are independent ones."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from pymongo import MongoClient

from gateway.app import router
from projections.schema import declare
from streams.pending import INDEX
from streams.settings import Settings
from tests.projections.killable import KillableMongo
from tests.support.web import serving

NUMBERS = itertools.count()
Serve = Callable[[Settings], str]


@pytest.fixture(autouse=True)
def _redis_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not asserted of a Redis that answers is how soon."""
    monkeypatch.setattr("gateway.notifications.pending.PATIENCE", 30.0)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the gateway with these settings until the test ends, at the URL it returns."""
    with ExitStack() as served:
        yield lambda settings: served.enter_context(serving(router(settings)))


@pytest.fixture
def settings(servers: Settings) -> Iterator[Settings]:
    """The database is empty and new, and so is a Redis database that other tests leave alone."""
    own_redis = servers.redis_url.removesuffix("/0") + "/1"
    made = servers.model_copy(update={"mongo_database": f"gateway-{next(NUMBERS)}", "redis_url": own_redis})
    with redis.Redis.from_url(own_redis) as client:
        client.flushdb()
    asyncio.run(declare(made))
    yield made
    with MongoClient[dict[str, object]](made.mongo_url) as client:
        client.drop_database(made.mongo_database)


@pytest.fixture
def url(settings: Settings, serve: Serve) -> str:
    """Where the gateway listens."""
    return f"{serve(settings)}/api/notifications"


@pytest.fixture
def kept(settings: Settings) -> Iterator[redis.Redis]:
    """The Redis database, without pending records before and after."""
    with redis.Redis.from_url(settings.redis_url) as client:
        client.delete(INDEX)
        yield client
        client.delete(INDEX)


@pytest.fixture
def mongo(servers: Settings, tmp_path: Path) -> Iterator[KillableMongo]:  # noqa: ARG001 - an integration test
    """A database that may be frozen and stopped."""
    server = KillableMongo(tmp_path)
    server.start()
    yield server
    server.stop()
