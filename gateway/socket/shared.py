"""One question for all who ask at about the same time, and begun after each of them asked: no answer is from before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

GATHER = 0.05
"""Seconds for which others are waited for."""

AnswerT = TypeVar("AnswerT")


class Shared(Generic[AnswerT]):
    """A question that can be asked as often as wanted."""

    def __init__(self, ask: Callable[[], Awaitable[AnswerT]]) -> None:
        self._ask = ask
        self._next: asyncio.Task[AnswerT] | None = None

    async def get(self) -> AnswerT:
        """The answer, or what the question raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._run())
        return await asyncio.shield(self._next)

    async def _run(self) -> AnswerT:
        await asyncio.sleep(GATHER)
        self._next = None
        return await self._ask()
