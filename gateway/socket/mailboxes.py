"""The mailboxes in Redis, as a gateway uses them: opened for many sockets at a time, acknowledged, and listened to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streams import clock, mailbox
from streams.mailbox import News, Opening
from streams.settings import Settings

log = logging.getLogger(__name__)

GATHER = 0.005
"""Seconds for which openings of other sockets are waited for."""
AT_ONCE = 500
"""Openings in one round to Redis."""
PATIENCE = 2.0
"""Seconds until Redis counts as away."""
PAUSE = 0.5
"""Seconds between attempts to listen again."""


class Unavailable(Exception):
    """Redis is away."""


@dataclass(slots=True)
class _Wish:
    user: str
    epoch: str
    position: int
    found: asyncio.Future[Opening]


class Mailboxes:
    """All of it needs `run` to be running."""

    def __init__(self, settings: Settings) -> None:
        self._redis = Redis.from_url(settings.redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE)
        self._ttl = int(settings.mailbox_kept * 1000)
        self._wishes: asyncio.Queue[_Wish] = asyncio.Queue()
        self._open = self._redis.register_script(mailbox.OPEN)
        self._ack = self._redis.register_script(mailbox.ACK)

    async def open(self, user: str, epoch: str, position: int) -> Opening:
        """What waits for a client that was told all up to there. Raises `Unavailable`."""
        wish = _Wish(user, epoch, position, asyncio.get_running_loop().create_future())
        self._wishes.put_nowait(wish)
        return await wish.found

    async def acknowledge(self, user: str, notification: str) -> None:
        """Out of the buffer, remembered as acknowledged, told to all gateways. Raises `Unavailable`."""
        now = clock.milliseconds(clock.now())
        arguments: list[str | int] = [now, _epoch(), self._ttl, user, notification]
        try:
            await self._ack(keys=mailbox.keys(user), args=arguments)
        except (RedisError, OSError) as error:
            raise Unavailable(repr(error)) from error

    async def knows(self, user: str, notification: str) -> Literal["held", "acknowledged"] | None:
        """Whether the mailbox holds it, or did until it was acknowledged. Raises `Unavailable`."""
        buffer, _, _, acked, _ = mailbox.keys(user)
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.hexists(buffer, notification)
                pipeline.zscore(acked, notification)
                held, acknowledged = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise Unavailable(repr(error)) from error
        return "held" if held else "acknowledged" if acknowledged is not None else None

    async def serve(self) -> None:
        """Answer openings, until cancelled."""
        while True:
            wishes = [await self._wishes.get()]
            await asyncio.sleep(GATHER)
            while len(wishes) < AT_ONCE and not self._wishes.empty():
                wishes.append(self._wishes.get_nowait())
            await self._answer(wishes)

    async def listen(self, tell: Callable[[News], None], missed: Callable[[], None]) -> None:
        """Pass on what is told to all gateways, until cancelled; `missed` is called whenever listening began anew."""
        while True:
            try:
                async for message in self._messages(missed):
                    tell(mailbox.news(message))
            except (RedisError, OSError) as error:
                log.warning("not listening to mailboxes: Redis: %r", error)
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _messages(self, listening: Callable[[], None]) -> AsyncIterator[bytes]:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(mailbox.CHANNEL)
            while True:
                message: dict[str, Any] | None = await channel.get_message(timeout=PATIENCE)
                if message is None:
                    await channel.ping()
                elif message["type"] == "subscribe":
                    listening()
                elif message["type"] == "message":
                    yield message["data"]

    async def _answer(self, wishes: list[_Wish]) -> None:
        now = clock.milliseconds(clock.now())
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for wish in wishes:
                    arguments: list[str | int] = [now, _epoch(), wish.epoch, wish.position]
                    await self._open(keys=mailbox.keys(wish.user), args=arguments, client=pipeline)
                answers = await pipeline.execute()
        except (RedisError, OSError) as error:
            for wish in wishes:
                with suppress(asyncio.InvalidStateError):
                    wish.found.set_exception(Unavailable(repr(error)))
            return
        for wish, answer in zip(wishes, answers, strict=True):
            if not wish.found.done():
                wish.found.set_result(mailbox.opening(answer))


def _epoch() -> str:
    return uuid4().hex[:12]
