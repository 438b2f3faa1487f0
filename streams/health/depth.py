"""What waits in a stateful stage goes to Redis once a second, by partition: so the API knows when to take no more.

A help, never a must: while Redis is away nobody is told. What a dead worker said last stands until the next owner of
its partitions says something else: while a stage is away its backlog only grows.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streams.exits import or_die
from streams.folding.counts import Counts
from streams.redis_away import AWAY

EVERY = 1.0
"""Seconds between two looks."""
KEPT = 6 * 3600.0
"""Seconds for which Redis keeps a number: longer than a stage is away before somebody sees to it."""
BELIEVED = 30.0
"""Seconds for which the API believes the last sum while Redis is away."""
SETTLED = 15.0
"""Seconds after which a worker knows what waits in the partitions it has gained. Trap: its open notifications are
counted some seconds after that; until then it would say that there are none."""
PATIENCE = 1.0
"""Seconds that Redis has for an answer."""

INDEX = "{tidings:depth}"
"""A set of the places that something was told of, `stage:partition`; each has a key of its own, see `key`."""
SUM = """
local total = 0
for _, place in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    local number = redis.call('GET', KEYS[1] .. ':' .. place)
    if number then total = total + number else redis.call('SREM', KEYS[1], place) end
end
return total
"""
"""For `EVAL` with the index as its key: what waits in all stages."""

log = logging.getLogger(__name__)


def key(place: str) -> str:
    """Where Redis keeps the number of `stage:partition`."""
    return f"{INDEX}:{place}"


def waiting(counts: Counts) -> dict[int, int]:
    """By partition: records that are not folded yet and notifications that are not final, of which each has its share.

    A record counts as if it were a notification of its own: a lifecycle that lags says too much, not too little.
    """
    share, rest = divmod(counts.open_jobs, len(counts.lag) or 1)
    return {partition: lag + share + (n < rest) for n, (partition, lag) in enumerate(counts.lag.items())}


@asynccontextmanager
async def told(redis_url: str, worker: str, counts: Counts) -> AsyncIterator[None]:
    """Meanwhile Redis is told every second what waits; `worker` is `stage:name`."""
    stage = worker.partition(":")[0]
    task = asyncio.create_task(or_die(_tell(redis_url, stage, counts)), name="depth")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _tell(redis_url: str, stage: str, counts: Counts) -> None:
    redis = Redis.from_url(
        redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )
    away, owned, since = False, set[int](), 0.0
    try:
        while True:
            if owned != counts.lag.keys():
                owned, since = set(counts.lag), time.monotonic()
            try:
                if owned and time.monotonic() - since >= SETTLED:
                    await _set(redis, stage, waiting(counts))
            except AWAY as error:
                if not away:
                    log.warning("Redis is not told how much waits until it is back: %r", error)
                away = True
            else:
                away = False
            await asyncio.sleep(EVERY)
    finally:
        with suppress(*AWAY):
            await redis.aclose()


async def _set(redis: Redis, stage: str, numbers: Mapping[int, int]) -> None:
    pipeline = redis.pipeline(transaction=False)
    for partition, number in numbers.items():
        place = f"{stage}:{partition}"
        pipeline.set(key(place), number, px=int(KEPT * 1000))
        pipeline.sadd(INDEX, place)
    await pipeline.execute()
