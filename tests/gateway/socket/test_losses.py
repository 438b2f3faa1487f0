"""What Redis loses comes out of the read model; events are on the log as the whole system would have put them there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymongo
import pytest
from redis.asyncio import Redis

from deploy.servers.redis import Redis as RedisServer
from streams import clock, mailbox
from streams.codec import encode
from streams.events import Accepted, Acknowledged, Body, Event, Origin, Personal, Queued, Request, Sending, Sent
from streams.intake.requests import recipient_key
from streams.providers.in_app import InAppProvider
from streams.providers.protocol import Message
from streams.settings import Settings, seconds
from streams.topics import EVENTS
from tests.gateway.socket.conftest import Client, Gateway, client
from tests.support.kafka import write
from tests.support.private import Private

Say = Callable[..., Awaitable[None]]
Put = Callable[..., Any]


@pytest.fixture
def say(settings: Settings, user: str) -> Say:
    """Writes a notification's events; without any, all up to its `sent`."""
    key = recipient_key(user, settings.recipient_secret.get_secret_value()).encode()

    async def written(name: str, *bodies: Body) -> None:
        asked = Request("in-app", key.decode(), 5, Personal(user, "hello"), "LIKE")
        accepted = Accepted(asked, "transactional", Origin(0, 0))
        whole = (accepted, Queued(1, "l"), Sending(1, clock.now(), "w"), Sent(1))
        told = [encode(Event(body, name, clock.now(), "test", name)) for body in bodies or whole]
        await write(settings.kafka_url, EVENTS, *[(key, value) for value in told])

    return written


def sending(user: str) -> tuple[Body, Body]:
    """A call that is under way."""
    asked = Request("in-app", "key", 5, Personal(user, "hello"), "LIKE")
    return Accepted(asked, "transactional", Origin(0, 0)), Sending(1, clock.now(), "w")


async def stored(settings: Settings, name: str, mailbox: str) -> dict[str, Any]:
    """The document, once it says so."""
    async with asyncio.timeout(60):
        async with pymongo.AsyncMongoClient[dict[str, Any]](settings.mongo_url) as mongo:
            jobs = mongo[settings.mongo_database]["NotificationJob"]
            while (found := await jobs.find_one({"_id": name, "mailbox": mailbox})) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    return found


async def again(socket: Client, number: int) -> list[str]:
    """What comes after it was said that something was lost."""
    heard = await socket.hear()
    assert (heard["type"], heard["recovered"]) == ("AUTHENTICATED", False)
    return await socket.hear_notifications(number)


async def test_wiped_in_the_middle_it_all_comes_again_in_order_and_says_so(
    url: str, user: str, say: Say, put: Put, redis: Redis
) -> None:
    names = [f"{user}-{number}" for number in range(4)]
    async with client(url) as socket:
        place = await socket.auth(user)
        for name in names[:3]:
            await say(name)
            await put(name)
        assert await socket.hear_notifications(3) == names[:3]
        await redis.flushdb()
        await say(names[3])
        await put(names[3])
        assert await again(socket, 4) == names
    for known in ({}, {"epoch": place["epoch"], "position": 2}):
        async with client(url) as socket:
            assert (await socket.auth(user, **known))["recovered"] is False
            assert await socket.hear_notifications(4) == names


async def test_what_was_lost_before_it_counted_as_sent_comes_too_and_only_once(
    url: str, user: str, say: Say, put: Put, redis: Redis
) -> None:
    name = f"{user}-1"
    await say(name, *sending(user))
    await put(name)
    await redis.flushdb()
    async with client(url) as socket:
        assert (await socket.auth(user))["epoch"] == ""
        heard = await socket.hear()
        assert heard["payload"]["notificationId"] == name
        await put(name)
        await say(name, Sent(1))
        await put(f"{user}-2")
        assert await socket.hear_notifications(1) == [f"{user}-2"]
    async with client(url) as socket:
        answer = await socket.auth(user, epoch=heard["epoch"], position=heard["position"])
        assert (answer["recovered"], await socket.hear_notifications(2)) == (True, [name, f"{user}-2"])


async def test_what_was_acknowledged_while_it_was_sent_does_not_come_again(
    url: str, user: str, say: Say, redis: Redis
) -> None:
    await say(f"{user}-1", *sending(user), Acknowledged())
    await say(f"{user}-2")
    await redis.flushdb()
    async with client(url) as socket:
        await socket.auth(user)
        assert await socket.hear_notifications(1) == [f"{user}-2"]


async def test_an_item_that_has_outlived_its_hour_comes_out_of_the_read_model(
    settings: Settings, gateway: Gateway, user: str, say: Say, redis: Redis
) -> None:
    url = gateway(settings.model_copy(update={"mailbox_kept": 1.0}))
    provider, names = InAppProvider(redis, seconds(1)), [f"{user}-old", f"{user}-new"]
    message = Message(names[0], 1, "in-app", Personal(user, "hello"), "LIKE", clock.now())
    await say(names[0])
    await provider.send(message)
    async with client(url) as socket:
        place = await socket.auth(user)
        await socket.hear()
    await asyncio.sleep(1.1)
    await say(names[1])
    await InAppProvider(redis, seconds(60)).send(replace(message, notification=names[1]))
    assert await redis.hkeys(mailbox.keys(user)[0]) == [names[1].encode()]
    async with client(url) as socket:
        assert (await socket.auth(user, epoch=place["epoch"], position=0))["recovered"] is False
        assert await socket.hear_notifications(2) == names


async def test_an_ack_leaves_the_buffer_and_is_stored_under_its_own_user(
    settings: Settings, url: str, user: str, say: Say, put: Put, redis: Redis
) -> None:
    name = f"{user}-1"
    await say(name)
    await put(name)
    assert (await stored(settings, name, "pending"))["recipient"] == user
    async with client(url) as socket:
        await socket.auth(user)
        await socket.hear()
        await socket.say(type="ACK", notificationId=name)
        assert (await socket.hear())["type"] == "ACKNOWLEDGED"
    assert await redis.exists(mailbox.keys(user)[0]) == 0
    document = await stored(settings, name, "delivered")
    assert (document["recipient"], document["message"], document["status"]) == (user, "hello", "sent")
    assert document["acknowledgedAt"] is not None
    await redis.flushdb()
    async with client(url) as socket:
        assert (await socket.auth(user))["type"] == "AUTHENTICATED"
        await put(f"{user}-2")
        assert await socket.hear_notifications(1) == [f"{user}-2"]


async def test_what_only_the_log_knows_can_be_acknowledged(url: str, user: str, say: Say) -> None:
    async with client(url) as socket:
        await socket.auth(user)
        await say(f"{user}-1")
        await socket.say(type="ACK", notificationId=f"{user}-1")
        assert await socket.hear() == {"type": "ACKNOWLEDGED", "notificationId": f"{user}-1"}


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[Private]:
    server = Private(RedisServer(), tmp_path)
    server.start()
    yield server
    server.stop()


async def test_while_redis_is_away_a_client_is_told_and_served_when_it_is_back(
    settings: Settings, gateway: Gateway, user: str, say: Say, own_redis: Private
) -> None:
    url = gateway(settings.model_copy(update={"redis_url": own_redis.url}))
    async with client(url) as before, client(url) as socket:
        await before.auth(user)
        own_redis.stop()
        await say(f"{user}-1")
        await before.say(type="ACK", notificationId=f"{user}-1")
        assert (await before.hear())["code"] == "unavailable"
        assert (await socket.auth(user))["code"] == "unavailable"
        own_redis.start()
        assert await socket.hear() == {
            "type": "AUTHENTICATED",
            "userId": user,
            "epoch": "",
            "position": 0,
            "recovered": False,
        }
        assert await socket.hear_notifications(1) == [f"{user}-1"]


async def test_a_mailbox_that_is_none_concerns_no_other_user(url: str, user: str, put: Put, redis: Redis) -> None:
    await redis.set(mailbox.keys(f"{user}-bad")[-1], "what somebody else left")
    async with client(url) as bad, client(url) as good:
        await asyncio.gather(bad.say(type="AUTH", userId=f"{user}-bad"), good.say(type="AUTH", userId=user))
        assert (await bad.hear())["code"] == "unavailable"
        assert (await good.hear())["type"] == "AUTHENTICATED"
        await put("n1")
        await good.hear_notifications(1)
        await good.say(type="ACK", notificationId="n1")
        assert (await good.hear())["type"] == "ACKNOWLEDGED"
