"""Redis, as long as it answers at once: the commands of all requests under way in as one pipeline, their answers out.

What the API keeps in Redis is a help, never a must. So a Redis that is away or slow costs a request a tenth of a second
at most, and only once a second.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streams.redis_away import AWAY

log = logging.getLogger(__name__)

Command = tuple[str | bytes | int, ...]

PATIENCE = 0.1
"""Seconds until Redis counts as away."""
PAUSE = 1.0
"""Seconds for which a Redis that was away is not asked again."""
GATHER = 0.005
"""Seconds for which commands of other requests are waited for: alone, a command costs 100 us of CPU, in eights 28."""


class Away(Exception):
    """Redis did not do it, or did not say so in time."""


class Pipe:
    """A shared pipeline; `run` has to be running."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
        self._waiting: list[tuple[Sequence[Command], asyncio.Future[list[Any]]]] = []
        self._called = asyncio.Event()
        self._shunned_until = 0.0
        self._away = False

    async def do(self, *commands: Command) -> list[Any]:
        """The answers to these commands. Raises `Away`, within `PATIENCE` or so."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._shunned_until:
            raise Away
        answered: asyncio.Future[list[Any]] = loop.create_future()
        self._waiting.append((commands, answered))
        self._called.set()
        answers = await answered
        if not answers or any(isinstance(answer, RedisError) for answer in answers):
            raise Away
        return answers

    async def run(self) -> None:
        """Carry commands to Redis until cancelled."""
        try:
            while True:
                await self._called.wait()
                await asyncio.sleep(GATHER)
                self._called.clear()
                calls, self._waiting = self._waiting, []
                answers = iter(await self._execute([command for commands, _ in calls for command in commands]))
                for commands, answered in calls:
                    if not answered.done():
                        answered.set_result([answer for _, answer in zip(commands, answers, strict=False)])
        finally:
            with suppress(*AWAY):
                await self._redis.aclose()

    async def _execute(self, commands: list[Command]) -> list[Any]:
        """The answers, some perhaps errors; none at all if Redis is away."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._shunned_until:
            return []
        try:
            async with asyncio.timeout(PATIENCE):
                pipeline = self._redis.pipeline(transaction=False)
                for command in commands:
                    pipeline.execute_command(*command)
                answers = await pipeline.execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, no request may fail or hang because of it
            self._shunned_until = loop.time() + PAUSE
            if not self._away:
                log.warning("going without Redis until it is back: %s: %s", type(error).__name__, error)
            self._away = True
            # An answer that comes late must not be taken for the next command's.
            with suppress(*AWAY):
                await self._redis.connection_pool.disconnect()
            return []
        self._away = False
        return answers
