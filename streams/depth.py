"""What waits in a stateful stage goes to Redis once a second, by worker, so that the API knows when to take no more.

A help, never a must: while Redis is away nobody is told, and what a dead worker said last goes by itself.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streams.folding.counts import Counts

EVERY = 1.0
"""Seconds between two looks."""
KEPT = 30.0
"""Seconds for which a number is believed: longer than a restart takes."""
PATIENCE = 1.0
"""Seconds that Redis has for an answer."""

INDEX = "{tidings:depth}"
"""A set of the workers that told something; each has a key of its own, see `key`."""
SUM = """
local total = 0
for _, worker in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    local number = redis.call('GET', KEYS[1] .. ':' .. worker)
    if number then total = total + number else redis.call('SREM', KEYS[1], worker) end
end
return total
"""
"""For `EVAL` with the index as its key: what waits in all stages."""

log = logging.getLogger(__name__)


def key(worker: str) -> str:
    """Where Redis keeps a worker's number."""
    return f"{INDEX}:{worker}"


def waiting(counts: Counts) -> int:
    """Records that are not folded yet and notifications that are not final.

    A record counts as if it were a notification of its own: a lifecycle that lags says too much, not too little.
    """
    return sum(counts.lag.values()) + counts.open_jobs


@asynccontextmanager
async def told(redis_url: str, worker: str, counts: Counts) -> AsyncIterator[None]:
    """Meanwhile Redis is told every second what waits; `worker` names the stage too."""
    task = asyncio.create_task(_tell(redis_url, worker, counts), name="depth")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _tell(redis_url: str, worker: str, counts: Counts) -> None:
    redis = Redis.from_url(
        redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )
    away = False
    try:
        while True:
            try:
                await _set(redis, worker, waiting(counts))
            except (RedisError, OSError) as error:
                if not away:
                    log.warning("Redis is not told how much waits until it is back: %r", error)
                away = True
            else:
                away = False
            await asyncio.sleep(EVERY)
    finally:
        with suppress(RedisError, OSError):
            await redis.aclose()


async def _set(redis: Redis, worker: str, number: int) -> None:
    pipeline = redis.pipeline(transaction=False)
    pipeline.set(key(worker), number, px=int(KEPT * 1000))
    pipeline.sadd(INDEX, worker)
    await pipeline.execute()
