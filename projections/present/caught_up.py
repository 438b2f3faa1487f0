"""Ids of notifications that the read models have now in, their pending records in Redis gone. Best effort.

A pending record that stays is not wrong, since the gateway prefers the read model, and it expires by itself. So Redis
is never waited for: while it is away, ids are dropped.
"""

import asyncio
import logging
from collections.abc import Iterable

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streams import pending
from streams.redis_away import AWAY
from streams.settings import Settings

log = logging.getLogger(__name__)

TIMEOUT = 1.0
"""Seconds for one round to Redis."""
CHUNK = 1000
WAITING = 20_000
"""Ids that may wait while Redis is slow; more are dropped."""


class CaughtUp:
    """Removes pending records in the background, many at a time."""

    def __init__(self, settings: Settings) -> None:
        self._redis = Redis.from_url(
            settings.redis_url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
        )
        self._ids: list[str] = []
        self._removing: asyncio.Task[None] | None = None

    def add(self, notifications: Iterable[str]) -> None:
        """Have these removed, soon."""
        self._ids += notifications
        del self._ids[WAITING:]
        if self._ids and (self._removing is None or self._removing.done()):
            self._removing = asyncio.create_task(self._remove())

    async def stop(self) -> None:
        """Finish what was begun."""
        if self._removing is not None:
            await asyncio.wait([self._removing], timeout=TIMEOUT)
            self._removing.cancel()
        await self._redis.aclose()

    async def _remove(self) -> None:
        try:
            while ids := self._ids[:CHUNK]:
                del self._ids[:CHUNK]
                await self._remove_chunk(ids)
        except AWAY as error:
            log.warning("%d pending records stay until they expire: Redis: %r", len(self._ids) + len(ids), error)
            self._ids.clear()

    async def _remove_chunk(self, ids: list[str]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.unlink(*map(pending.record_key, ids))
            pipeline.zrem(pending.INDEX, *ids)
            await pipeline.execute()
