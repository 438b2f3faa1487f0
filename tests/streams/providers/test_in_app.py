import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from streams import clock, mailbox
from streams.events import Personal
from streams.providers.in_app import InAppProvider
from streams.providers.protocol import Deferred, Message, SendRefused
from streams.settings import Settings


@pytest.fixture
async def redis(servers: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(servers.redis_url) as connected:
        yield connected


def message(user: str, name: str = "n1") -> Message:
    return Message(name, 1, "in-app", Personal(user, "hello"), "LIKE", clock.now())


async def test_what_is_wrong_with_one_mailbox_concerns_no_other(redis: Redis) -> None:
    bad, good = f"bad-{uuid4()}", f"good-{uuid4()}"
    await redis.set(mailbox.keys(bad)[-1], "what somebody else left")
    provider = InAppProvider(redis, timedelta(minutes=1))
    made = await asyncio.gather(
        provider.send(message(bad)), provider.send(message(good)), provider.send(message(bad)), return_exceptions=True
    )
    assert [type(one) for one in made] == [SendRefused, type(None), SendRefused]
    assert await redis.hkeys(mailbox.keys(good)[0]) == [b"n1"]
    await redis.delete(mailbox.keys(bad)[-1])


async def test_a_redis_that_is_away_costs_no_attempt() -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as nowhere:
        with pytest.raises(Deferred) as told:
            await InAppProvider(nowhere, timedelta(minutes=1)).send(message("user2"))
    assert told.value.until > clock.now()


async def test_the_same_notification_is_put_in_once(redis: Redis) -> None:
    user, provider = f"user-{uuid4()}", InAppProvider(redis, timedelta(minutes=1))
    await asyncio.gather(*(provider.send(message(user)) for _ in range(3)), provider.send(message(user, "n2")))
    assert sorted(await redis.hkeys(mailbox.keys(user)[0])) == [b"n1", b"n2"]
