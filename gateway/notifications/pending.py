"""Pending records out of Redis: what the API has accepted and the read models may not have yet.

Redis only makes reads fresher. While it is away, answers come without it, and it is asked again once a second.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, cast

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.notifications.pages import TIME, Cursor, Row, pending_key
from projections.mongo.windows import END
from streams.pending import INDEX, record_key
from streams.redis_away import AWAY
from streams.said import said
from streams.settings import Settings

log = logging.getLogger(__name__)

PATIENCE = 0.3
"""Seconds until Redis counts as away."""
PAUSE = 1.0
"""Seconds for which a Redis that was away is not asked again."""
LOOKED_AT = 10_000
"""Records a list looks through for those that match its filters; one that lies behind them shows once it is stored."""


class Pending:
    """Reads pending records; never fails."""

    def __init__(self, settings: Settings) -> None:
        self._redis = Redis.from_url(settings.redis_url, retry=Retry(NoBackoff(), 0))
        self._shunned_until = 0.0

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def job(self, notification: str) -> bytes | None:
        """The record of one notification, as JSON."""
        for record in await self._ask("MGET", record_key(notification)):
            return cast("bytes | None", record)
        return None

    async def newest(self, filters: Mapping[str, str], cursor: Cursor, chunk: int) -> AsyncIterator[list[Row]]:
        """Those that match and come below the cursor, newest first, in chunks of which each looks at `chunk` records.

        Since records come and go meanwhile, a chunk begins with the time that the one before ended with.
        """
        newest = "+inf" if cursor.before == END else str(int(cursor.before[:TIME], 16))
        seen: set[bytes] = set()
        while len(seen) < LOOKED_AT:
            listed = await self._ask("ZREVRANGEBYSCORE", INDEX, newest, "-inf", "WITHSCORES", "LIMIT", 0, chunk)
            found = [(name, int(created)) for name, created in listed if name not in seen]
            if not found:
                return
            seen |= {name for name, _ in found}
            newest = str(found[-1][1])
            records = await self._ask("MGET", *(record_key(name.decode()) for name, _ in found))
            yield list(_rows(zip(found, records, strict=False), filters, cursor))

    async def _ask(self, *command: str | int) -> list[Any]:
        loop = asyncio.get_running_loop()
        if loop.time() < self._shunned_until:
            return []
        try:
            async with asyncio.timeout(PATIENCE):
                answer: list[Any] = await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except AWAY as error:
            self._shunned_until = loop.time() + PAUSE
            log.warning("Redis is away, answering without it for %g s: %s", PAUSE, said(error))
            return []
        return answer


def _rows(
    found: Iterable[tuple[tuple[bytes, int], bytes | None]], filters: Mapping[str, str], cursor: Cursor
) -> Iterator[Row]:
    for (name, created), record in found:
        notification = name.decode()
        key = pending_key(created, notification)
        if record is None or key >= cursor.before or notification in cursor.shown:
            continue
        job = orjson.loads(record)
        if all(job.get(field) == value for field, value in filters.items()):
            yield Row(key, notification, job, pending=True)
