from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from streams import mailbox
from streams.mailbox import News, Opening
from streams.settings import Settings

TTL = 60_000
NOW = 1_800_000_000_000


class Box:
    """A mailbox of a user of its own; times are milliseconds after `NOW`."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.user = f"user-{uuid4()}"
        self.keys = mailbox.keys(self.user)

    async def put(self, name: str, at: int = 0) -> int:
        return cast("int", await self._run(mailbox.PUT, at, TTL, self.user, name, f'"{name}"'))

    async def open(self, epoch: str = "", position: int = 0, at: int = 0) -> Opening:
        return mailbox.opening(cast("list[Any]", await self._run(mailbox.OPEN, at, epoch, position)))

    async def ack(self, name: str, at: int = 0) -> int:
        return cast("int", await self._run(mailbox.ACK, at, TTL, self.user, name))

    async def _run(self, script: str, at: int, *arguments: str | int) -> object:
        answer: object = await self.redis.register_script(script)(self.keys, [NOW + at, uuid4().hex, *arguments])
        return answer


@pytest.fixture
async def box(servers: Settings) -> AsyncIterator[Box]:
    async with Redis.from_url(servers.redis_url) as redis:
        box = Box(redis)
        yield box
        await redis.unlink(*box.keys)


def names(opening: Opening) -> list[str]:
    return [kept.notification for kept in opening.items]


async def test_positions_are_given_in_order_and_once(box: Box) -> None:
    assert [await box.put(name) for name in ("a", "b", "a", "c")] == [1, 2, 1, 3]
    found = await box.open()
    assert [(kept.notification, kept.position, kept.item) for kept in found.items] == [
        ("a", 1, b'"a"'),
        ("b", 2, b'"b"'),
        ("c", 3, b'"c"'),
    ]
    assert (found.position, found.recovered, found.born) == (3, False, NOW)


async def test_a_client_resumes_where_it_was(box: Box) -> None:
    for name in ("a", "b", "c"):
        await box.put(name)
    epoch = (await box.open()).epoch
    found = await box.open(epoch, 2)
    assert (names(found), found.recovered) == (["c"], True)
    assert (await box.open("other", 2)).recovered is False
    assert (await box.open(epoch, 4)).recovered is False


async def test_each_item_lives_its_own_ttl(box: Box) -> None:
    await box.put("a", at=0)
    await box.put("b", at=TTL // 2)
    epoch = (await box.open(at=TTL // 2)).epoch
    assert names(await box.open(at=TTL - 1)) == ["a", "b"]
    assert names(await box.open(at=TTL)) == ["b"]
    assert names(await box.open(at=TTL + TTL // 2)) == []
    assert (await box.open(epoch, 1, at=TTL + TTL // 2)).recovered is False
    assert (await box.open(epoch, 2, at=TTL + TTL // 2)).recovered is True


async def test_the_keys_themselves_go_with_the_last_item(box: Box) -> None:
    await box.put("a")
    for key in box.keys[:3]:
        assert 0 < await box.redis.pttl(key) <= TTL


async def test_who_was_before_items_that_went_with_their_keys_has_missed_something(box: Box) -> None:
    for name in ("a", "b"):
        await box.put(name)
    epoch = (await box.open()).epoch
    await box.redis.delete(*box.keys[:3])  # as Redis does when the last one's time is over
    assert (await box.open(epoch, 1)).recovered is False
    assert (await box.open(epoch, 2)).recovered is True
    await box.put("c")
    assert (await box.open(epoch, 1)).recovered is False
    assert names(await box.open(epoch, 2)) == ["c"]


async def test_what_was_acknowledged_is_gone_and_does_not_come_back(box: Box) -> None:
    await box.put("a")
    await box.put("b")
    assert await box.ack("a") == 1
    found = await box.open()
    assert (names(found), found.acked) == (["b"], frozenset({"a"}))
    assert await box.put("a") == -1
    assert names(await box.open()) == ["b"]


async def test_what_was_acknowledged_is_forgotten_with_the_ttl(box: Box) -> None:
    await box.put("a")
    await box.ack("a")
    assert (await box.open(at=TTL)).acked == frozenset()


async def test_a_mailbox_that_redis_lost_begins_a_new_epoch(box: Box) -> None:
    await box.put("a")
    before = await box.open()
    await box.redis.delete(*box.keys)
    await box.put("b", at=5)
    after = await box.open(before.epoch, before.position)
    assert after.epoch != before.epoch
    assert (names(after), after.recovered, after.born) == (["b"], False, NOW + 5)


async def test_every_change_is_told_to_all(box: Box) -> None:
    async with box.redis.pubsub() as channel:
        await channel.subscribe(mailbox.CHANNEL)
        await box.put("a")
        await box.put("a")
        await box.ack("a")
        told: list[News] = []
        while len(told) < 2:
            message = await channel.get_message(timeout=60)
            assert message is not None
            if message["type"] == "message" and mailbox.news(message["data"]).user == box.user:
                told.append(mailbox.news(message["data"]))
    assert [(news.position, news.notification, news.item) for news in told] == [(1, "a", b'"a"'), (1, "a", None)]
