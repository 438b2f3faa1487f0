"""`notification-operations` as far as it goes now: the book of replays, and whatever else listens to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka.errors import KafkaTimeoutError

from projections.replay.book import Book
from projections.replay.following import Follower, Take


class Operations:
    """Read on whenever somebody asks, while it is `open`."""

    def __init__(self, url: str, patience: float) -> None:
        """`patience`: seconds until Kafka counts as away."""
        self._url, self._patience = url, patience
        self._listeners: list[Take] = []
        self._reading = asyncio.Lock()
        self._follower: Follower | None = None

    def listen(self, take: Take) -> None:
        """Have it told of every record from the first on; to be said before anybody asks."""
        self._listeners.append(take)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """A connection is made when it is first needed."""
        async with AsyncExitStack() as self._stack:
            yield

    async def caught_up(self) -> Book:
        """All that is on the topic now; whoever listens knows it too. Raises aiokafka's errors."""
        try:
            async with asyncio.timeout(self._patience), self._reading:
                if self._follower is None:
                    opening = Follower.open(self._url, *self._listeners)
                    self._follower = await self._stack.enter_async_context(opening)
                return await self._follower.catch_up()
        except TimeoutError as error:
            raise KafkaTimeoutError from error
