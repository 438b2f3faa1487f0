"""Our loops at work inside a test, as they run in a process of theirs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

SECONDS = 60


@asynccontextmanager
async def working(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """It runs until it is told to stop, as by SIGTERM; what it raises comes out of here."""
    stopping = asyncio.Event()
    task = asyncio.create_task(run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(task, SECONDS)
