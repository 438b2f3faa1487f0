"""The mailboxes in Redis, as a gateway uses them: opened and acknowledged for many sockets at once, and listened to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import islice
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streams import clock, mailbox
from streams.mailbox import News, Opening
from streams.redis_away import AWAY
from streams.settings import Settings

log = logging.getLogger(__name__)

GATHER = 0.005
"""Seconds for which what other sockets want is waited for."""
AT_ONCE = 500
"""Wishes in one round to Redis."""
PATIENCE = 2.0
"""Seconds until Redis counts as away."""
PAUSE = 0.5
"""Seconds between attempts to listen again."""


class Unavailable(Exception):
    """Redis is away, or refuses."""


Ask = Callable[[Pipeline], Awaitable[object]]
"""Puts commands into a pipeline."""


class _Wish(NamedTuple):
    ask: Ask
    answers: int
    found: asyncio.Future[list[Any]]


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
        arguments: list[str | int] = [_now(), _epoch(), epoch, position]
        (found,) = await self._asked(lambda round_: self._open(mailbox.keys(user), arguments, round_))
        return mailbox.opening(found)

    async def acknowledge(self, user: str, notification: str) -> None:
        """Out of the buffer, remembered as acknowledged, told to all gateways. Raises `Unavailable`."""
        arguments: list[str | int] = [_now(), _epoch(), self._ttl, user, notification]
        await self._asked(lambda round_: self._ack(mailbox.keys(user), arguments, round_))

    async def knows(self, user: str, notification: str) -> Literal["held", "acknowledged"] | None:
        """Whether the mailbox holds it, or did until it was acknowledged. Raises `Unavailable`."""
        buffer, _, _, acked, _ = mailbox.keys(user)

        async def ask(round_: Pipeline) -> None:
            round_.hexists(buffer, notification)
            round_.zscore(acked, notification)

        held, acknowledged = await self._asked(ask, answers=2)
        return "held" if held else "acknowledged" if acknowledged is not None else None

    async def serve(self) -> None:
        """Fulfil wishes, until cancelled."""
        while True:
            wishes = [await self._wishes.get()]
            await asyncio.sleep(GATHER)
            while len(wishes) < AT_ONCE and not self._wishes.empty():
                wishes.append(self._wishes.get_nowait())
            await self._fulfil(wishes)

    async def listen(self, tell: Callable[[News], None], missed: Callable[[], None]) -> None:
        """Pass on what is told to all gateways, until cancelled; `missed` is called whenever listening began anew."""
        while True:
            try:
                async for message in self._messages(missed):
                    tell(mailbox.news(message))
            except AWAY as error:
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

    async def _asked(self, ask: Ask, answers: int = 1) -> list[Any]:
        """What Redis answers, in the next round. Raises `Unavailable`."""
        wish = _Wish(ask, answers, asyncio.get_running_loop().create_future())
        self._wishes.put_nowait(wish)
        return await wish.found

    async def _fulfil(self, wishes: list[_Wish]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as round_:
                for wish in wishes:
                    await wish.ask(round_)
                answers = iter(await round_.execute(raise_on_error=False))
        except AWAY as error:
            for wish in wishes:
                with suppress(asyncio.InvalidStateError):
                    wish.found.set_exception(Unavailable(repr(error)))
            return
        for wish in wishes:
            answered = list(islice(answers, wish.answers))
            refused = next((answer for answer in answered if isinstance(answer, Exception)), None)
            if wish.found.done():
                continue
            if refused is None:
                wish.found.set_result(answered)
            else:
                wish.found.set_exception(Unavailable(repr(refused)))


def _now() -> int:
    return clock.milliseconds(clock.now())


def _epoch() -> str:
    return uuid4().hex[:12]
