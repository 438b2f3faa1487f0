"""Messages into mailboxes at a set rate, as the in-app provider puts them: its script, a round to Redis every 5 ms.

Each message begins with the moment of that call in nanoseconds, on the clock that all processes of a machine share.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from uuid import uuid4

import msgspec
from redis.asyncio import Redis

from streams import clock, mailbox
from streams.mailbox import Item
from streams.providers.in_app import GATHER

TEXT = "Ada liked your post titled 'Tides of the northern seas'"


async def paced(redis: Redis, users: Sequence[str], count: int, rate: float, ttl: int) -> float:
    """Put `count` messages into mailboxes of users at random, so many a second; how many seconds it took."""
    put, began, done = redis.register_script(mailbox.PUT), time.monotonic(), 0
    everybody = users if len(users) == count else None
    while done < count:
        due = min(int((time.monotonic() - began) * rate) + 1, count)
        pipeline = redis.pipeline(transaction=False)
        for number in range(done, due):
            user = everybody[number] if everybody else random.choice(users)  # noqa: S311 - no secret
            await put(keys=mailbox.keys(user), args=_message(user, ttl), client=pipeline)
        await pipeline.execute()
        done = due
        await asyncio.sleep(GATHER)
    return time.monotonic() - began


def _message(user: str, ttl: int) -> list[str | int | bytes]:
    now, name = clock.now(), uuid4().hex
    item = Item(name, user, f"{time.monotonic_ns()} {TEXT}", "LIKE", clock.iso(now))
    return [clock.milliseconds(now), uuid4().hex[:12], ttl, user, name, msgspec.json.encode(item)]
