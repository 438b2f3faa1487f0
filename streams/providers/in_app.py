"""In-app: a message into its user's mailbox in Redis, from which gateways push it. To be there is what `sent` means.

All calls that wait go in one round to Redis, and what is wrong with one mailbox concerns no other. A notification that
is in the mailbox already, or was acknowledged, stays as it is: a later dispatch of it adds nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from streams import clock, mailbox
from streams.mailbox import Item
from streams.providers.protocol import Deferred, Message, SendRefused
from streams.redis_away import AWAY
from streams.settings import Settings, seconds

PAUSE = timedelta(seconds=2)
"""How long a Redis that is away is left alone; costs no attempt."""
GATHER = 0.005
"""Seconds for which other calls are waited for."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator["InAppProvider"]:
    """With a connection of its own; it tries nothing twice, since who is deferred comes again."""
    redis = Redis.from_url(settings.redis_url, retry=Retry(NoBackoff(), 0))
    try:
        yield InAppProvider(redis, seconds(settings.mailbox_kept))
    finally:
        await redis.aclose()


@dataclass(slots=True)
class _Call:
    message: Message
    done: asyncio.Future[None]


class InAppProvider:
    """Puts messages into mailboxes; `kept` is how long each lives there."""

    def __init__(self, redis: Redis, kept: timedelta) -> None:
        self._redis, self._ttl = redis, kept // timedelta(milliseconds=1)
        self._put = redis.register_script(mailbox.PUT)
        self._calls: list[_Call] = []
        self._round: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> None:
        """Return once the mailbox has it. Raises `Deferred` while Redis is away, `SendRefused` if it is no mailbox."""
        call = _Call(message, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        if self._round is None:
            self._round = asyncio.create_task(self._put_all())
        await call.done

    async def _put_all(self) -> None:
        await asyncio.sleep(GATHER)
        calls, self._calls, self._round = self._calls, [], None
        now = clock.now()
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for call in calls:
                    user, arguments = self._arguments(call.message, clock.milliseconds(now))
                    await self._put(keys=mailbox.keys(user), args=arguments, client=pipeline)
                answers = await pipeline.execute(raise_on_error=False)
        except AWAY as error:
            answers = [error] * len(calls)
        for call, answer in zip(calls, answers, strict=True):
            _settle(call, answer, now + PAUSE)

    def _arguments(self, message: Message, now: int) -> tuple[str, list[str | int | bytes]]:
        personal = message.personal
        item = Item(
            message.notification, personal.recipient, personal.message, message.activity, clock.iso(message.time)
        )
        epoch = uuid4().hex[:12]
        encoded = msgspec.json.encode(item)
        return personal.recipient, [now, epoch, self._ttl, personal.recipient, message.notification, encoded]


def _settle(call: _Call, answer: object, later: datetime) -> None:
    if call.done.done():
        return
    match answer:
        case ResponseError() if "WRONGTYPE" in str(answer):
            call.done.set_exception(SendRefused(f"Redis: {answer}"))
        case Exception():
            call.done.set_exception(Deferred(later))
        case _:
            call.done.set_result(None)
