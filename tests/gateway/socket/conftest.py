"""Gateways that serve sockets, and clients that are not ours."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from gateway.socket.app import Live
from projections import runner
from projections.mongo.connection import database
from projections.present.reads import Reads
from projections.schema import declare
from streams import clock
from streams.events import Personal
from streams.health.vitals import Vitals
from streams.providers.in_app import InAppProvider
from streams.providers.protocol import Message
from streams.settings import Settings, seconds
from streams.topics import EVENTS
from tests.support.kafka import read
from tests.support.web import serving
from tests.support.working import working

NUMBERS = count()
Frame = dict[str, Any]
Gateway = Callable[..., str]


class Client:
    """A socket of the `websockets` library, which speaks JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **frame: object) -> None:
        await self.socket.send(json.dumps(frame))

    async def hear(self, within: float = 60) -> Frame:
        async with asyncio.timeout(within):
            heard: Frame = json.loads(await self.socket.recv())
        return heard

    async def hear_notifications(self, number: int) -> list[str]:
        """Ids, in order; nothing else may come in between."""
        heard = [await self.hear() for _ in range(number)]
        assert {frame["type"] for frame in heard} <= {"NOTIFICATION"}, heard
        return [frame["payload"]["notificationId"] for frame in heard]

    async def auth(self, user: str, **more: object) -> Frame:
        """The answer to AUTH."""
        await self.say(type="AUTH", userId=user, **more)
        return await self.hear()


@asynccontextmanager
async def client(url: str, path: str = "/ws") -> AsyncIterator[Client]:
    """A connected one."""
    async with connect(url.replace("http", "ws") + path, max_size=None, open_timeout=30) as socket:
        yield Client(socket)


@pytest.fixture(scope="module")
async def settings(declared: Settings) -> AsyncIterator[Settings]:
    """A Redis database and read models that other tests leave alone, kept up with the log."""
    own_redis = declared.redis_url.removesuffix("/0") + "/3"
    made = declared.model_copy(update={"mongo_database": f"live-{next(NUMBERS)}", "redis_url": own_redis})
    await declare(made)
    async with Redis.from_url(own_redis) as redis:
        await redis.flushdb()
    async with working(lambda stopping: runner.run(made, stopping, Vitals())):
        await caught_up(made)
        yield made


async def caught_up(settings: Settings) -> None:
    """Returns once the read models know all that other tests left on the log."""
    ends = Counter(record.partition for record in await read(settings.kafka_url, EVENTS))
    async with database(settings, patience=5) as base, asyncio.timeout(120):
        while sum((await Reads(base).folded()).values()) + len(ends) < sum(ends.values()):  # noqa: ASYNC110 - MongoDB tells only who asks
            await asyncio.sleep(0.2)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Serves sockets with these settings until the test ends, at the URL it returns."""
    with ExitStack() as served:

        def serve(settings: Settings) -> str:
            live = Live(settings, asyncio.Event(), Vitals())
            return served.enter_context(serving(live.router, live.upgrade))

        yield serve


@pytest.fixture
def url(settings: Settings, gateway: Gateway) -> str:
    return gateway(settings)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(settings.redis_url) as connected:
        yield connected


@pytest.fixture
def user() -> str:
    return f"user-{uuid4()}"


@pytest.fixture
def put(redis: Redis, settings: Settings, user: str) -> Callable[..., Any]:
    """Delivers a notification as `deliver` does."""
    provider = InAppProvider(redis, seconds(settings.mailbox_kept))

    async def deliver(name: str, to: str = user, text: str = "hello") -> None:
        await provider.send(Message(name, 1, "in-app", Personal(to, text), "LIKE", clock.now()))

    return deliver
