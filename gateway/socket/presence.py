"""Who is online, on any gateway, and who was last seen when: in Redis, best effort, many users at a time.

A set for each gateway holds its users, and dies with the gateway. A sorted set holds when each user was seen last.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, cast
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streams import clock
from streams.redis_away import AWAY
from streams.settings import Settings

log = logging.getLogger(__name__)

SEEN = "notifications:seen"
GATEWAYS = "notifications:gateways"
EVERY = 1.0
"""Seconds between writes of who came and went."""
RENEWED = 15.0
"""Seconds after which a gateway says again that it lives."""
VALID_MS = 45_000
KEPT_MS = 30 * 24 * 3600 * 1000
"""How long it is known when somebody was seen last."""


class Seen(NamedTuple):
    """A user's presence; `last_seen` is now for one who is online, None for one who never was."""

    online: bool
    last_seen: datetime | None


class Presence:
    """Of this gateway's users, told to all; `run` has to be running."""

    def __init__(self, settings: Settings) -> None:
        self._redis = Redis.from_url(settings.redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=2)
        self._name = f"{GATEWAYS}:{uuid4().hex[:12]}"
        self._came: set[str] = set()
        self._left: set[str] = set()

    def came(self, user: str) -> None:
        """Their first socket, or another one."""
        self._came.add(user)
        self._left.discard(user)

    def left(self, user: str) -> None:
        """Their last socket is gone."""
        self._left.add(user)
        self._came.discard(user)

    async def run(self, present: Iterable[str]) -> None:
        """Write it down, until cancelled; `present` are the users with sockets here, at any time."""
        loop = asyncio.get_running_loop()
        renewed = float("-inf")
        while True:
            try:
                if loop.time() - renewed > RENEWED:
                    await self._renew()
                    self._came |= set(present)
                    renewed = loop.time()
                await self._write()
            except AWAY as error:
                log.info("presence was not written: Redis: %r", error)
                renewed = float("-inf")
            await asyncio.sleep(EVERY)

    async def seen(self, user: str) -> Seen:
        """Raises `RedisError`."""
        now = clock.milliseconds(clock.now())
        gateways = cast("list[str]", await self._redis.zrangebyscore(GATEWAYS, now, "+inf"))
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zscore(SEEN, user)
            for gateway in gateways:
                pipeline.sismember(gateway, user)
            last, *online = await pipeline.execute()
        return Seen(any(online), None if last is None else clock.from_milliseconds(last))

    async def close(self) -> None:
        """Nobody is online here any more."""
        with suppress(*AWAY):
            await self._redis.zrem(GATEWAYS, self._name)
            await self._redis.unlink(self._name)
        await self._redis.aclose()

    async def _renew(self) -> None:
        now = clock.milliseconds(clock.now())
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zadd(GATEWAYS, {self._name: now + VALID_MS})
            pipeline.zremrangebyscore(GATEWAYS, "-inf", now - VALID_MS)
            pipeline.zremrangebyscore(SEEN, "-inf", now - KEPT_MS)
            pipeline.pexpire(self._name, VALID_MS)
            await pipeline.execute()

    async def _write(self) -> None:
        came, left = list(self._came), list(self._left)
        if not came and not left:
            return
        now = clock.milliseconds(clock.now())
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zadd(SEEN, dict.fromkeys(came + left, now))
            if came:
                pipeline.sadd(self._name, *came)
                pipeline.pexpire(self._name, VALID_MS)
            if left:
                pipeline.srem(self._name, *left)
            await pipeline.execute()
        self._came.difference_update(came)
        self._left.difference_update(left)
