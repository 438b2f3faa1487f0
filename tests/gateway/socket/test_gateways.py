"""Users with two devices on two gateways, random cuts and acknowledgements, and a fault in the middle: none is missed.

In the suite with fewer users; SOCKET_USERS=1000 is the whole of it, and SOCKET_SEED another run:

    SOCKET_USERS=1000 .venv/bin/pytest tests/gateway/socket/test_gateways.py -k nothing_happens -s
"""

import asyncio
import math
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from projections.schema import declare
from streams import clock, mailbox
from streams.codec import encode
from streams.events import Accepted, Body, Event, Origin, Personal, Request, Sending, Sent
from streams.intake.requests import recipient_key
from streams.kafka.bootstrap import bootstrap
from streams.providers.in_app import InAppProvider
from streams.providers.protocol import Message
from streams.settings import Settings, seconds
from streams.topics import EVENTS
from tests.gateway.socket.devices import User, look_again, use
from tests.support.processes import Process, running

USERS = int(os.environ.get("SOCKET_USERS", "100"))
SEED = int(os.environ.get("SOCKET_SEED", str(random.randrange(10**6))))
TOTAL = 20
"""Notifications for each user."""
SPAN = max(30.0, USERS * TOTAL / 350)
"""Seconds in which they are delivered."""
KEPT = SPAN / 2
"""Seconds that an item stays in its mailbox, far longer than read models are behind: older ones come out of those."""
ENDS_WITHIN = 90
"""Seconds after the last was delivered."""


@dataclass
class Delivery:
    """Delivers as the whole system does: each step on the log before the next."""

    settings: Settings
    producer: AIOKafkaProducer
    redis: Redis
    provider: InAppProvider
    put_at: dict[str, list[float]] = field(default_factory=dict)
    overfull: list[str] = field(default_factory=list)

    async def deliver(self, user: str, number: int) -> None:
        name, personal, now = f"{user}-{number}", Personal(user, f"message {number}"), clock.now()
        request = Request("in-app", "key", 5, personal, "LIKE")
        await self.say(user, name, Accepted(request, "transactional", Origin(0, 0)), Sending(1, now, "test"))
        put_at = self.put_at.setdefault(user, [])
        put_at.append(math.inf)
        await self.provider.send(Message(name, 1, "in-app", personal, "LIKE", now))
        put_at[-1] = clock.now().timestamp()
        await self._measure(user)
        await self.say(user, name, Sent(1))

    async def say(self, user: str, name: str, *bodies: Body) -> None:
        key = recipient_key(user, self.settings.recipient_secret.get_secret_value()).encode()
        told = [encode(Event(body, name, clock.now(), "test", name)) for body in bodies]
        await asyncio.gather(*[await self.producer.send(EVENTS, value, key=key) for value in told])

    async def _measure(self, user: str) -> None:
        """A mailbox holds no more than what came within its time; a second for the clocks."""
        now = clock.now().timestamp()
        held = await self.redis.hlen(mailbox.keys(user)[0])
        if held > sum(now - at < KEPT + 1 for at in self.put_at[user]):
            self.overfull.append(f"{user}: {held} held")


@pytest.fixture(scope="module")
async def own(declared: Settings) -> Settings:
    """A Redis database and read models that other tests leave alone."""
    changed = {"mongo_database": f"gateways-{uuid4()}", "redis_url": declared.redis_url.removesuffix("/0") + "/4"}
    made = declared.model_copy(update={**changed, "mailbox_kept": KEPT})
    await declare(made)
    return made


@pytest.fixture(scope="module")
def projections(own: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Keeps up with the log."""
    with running(own, tmp_path_factory.mktemp("projections"), "projections") as (process,):
        yield process


@pytest.fixture
def gateways(own: Settings, projections: Process, tmp_path: Path) -> Iterator[list[Process]]:  # noqa: ARG001
    """Two of them."""
    with running(own, tmp_path, "web", "web") as processes:
        yield processes


@pytest.fixture
async def delivery(own: Settings) -> AsyncIterator[Delivery]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap(own.kafka_url), acks="all", linger_ms=5)
    await producer.start()
    async with Redis.from_url(own.redis_url, max_connections=USERS + 100) as redis:
        await redis.flushdb()
        yield Delivery(own, producer, redis, InAppProvider(redis, seconds(KEPT)))
    await producer.stop()


Fault = Callable[[Sequence[Process], Delivery], Awaitable[None]]


async def nothing_happens(_gateways: Sequence[Process], _delivery: Delivery) -> None:
    pass


async def a_gateway_is_killed(gateways: Sequence[Process], _delivery: Delivery) -> None:
    await asyncio.sleep(SPAN / 2)
    gateways[0].kill()


async def redis_is_wiped(_gateways: Sequence[Process], delivery: Delivery) -> None:
    for _ in range(3):
        await asyncio.sleep(SPAN / 4)
        await delivery.redis.flushdb()


@asynccontextmanager
async def using(users: Sequence[User], urls: Sequence[str]) -> AsyncIterator[None]:
    """Two devices for each user; returns when all have heard everything."""
    devices = [
        asyncio.create_task(use(user, urls, random.Random(f"{SEED}-{user.name}-{number}")))
        for user in users
        for number in range(2)
    ]
    try:
        yield
        async with asyncio.timeout(ENDS_WITHIN):
            await asyncio.gather(*devices)
    finally:
        for device in devices:
            device.cancel()


async def delivered(delivery: Delivery, user: User) -> None:
    chance = random.Random(f"{SEED}-{user.name}")
    for number in range(1, user.total + 1):
        await asyncio.sleep(chance.random() * 2 * SPAN / user.total)
        await delivery.deliver(user.name, number)


@pytest.mark.parametrize("fault", [nothing_happens, a_gateway_is_killed, redis_is_wiped])
async def test_every_user_hears_each_notification_in_order_and_none_after_its_ack(
    gateways: list[Process], delivery: Delivery, fault: Fault
) -> None:
    users = [User(f"u{number}-{uuid4().hex[:8]}", TOTAL) for number in range(USERS)]
    try:
        async with using(users, [gateway.url for gateway in gateways]):
            await asyncio.gather(fault(gateways, delivery), *(delivered(delivery, user) for user in users))
    except TimeoutError:
        pytest.fail(f"seed {SEED}: {[(user.name, sorted(user.missing)) for user in users if user.missing][:5]}")
    again = await asyncio.gather(*(look_again(user, gateways[1].url) for user in users))
    print(f"\nseed {SEED}: {sum(user.connections for user in users)} connections, {told(users)}")  # noqa: T201
    faults = [fault for user in users for fault in user.faults]
    assert not faults, f"seed {SEED}: " + "\n".join(faults[:5])
    assert [user.name for user, heard in zip(users, again, strict=True) if user.asked | heard != user.heard] == []
    assert delivery.overfull == []
    async with asyncio.timeout(KEPT + 60):
        while await delivery.redis.keys("notifications:buffer:*"):  # noqa: ASYNC110 - Redis tells only who asks
            await asyncio.sleep(0.2)


def told(users: Sequence[User]) -> str:
    return f"{sum(len(user.confirmed) for user in users)} of {len(users) * TOTAL} acknowledged"
