"""Work that goes on for as long as something else does, such as an app; and how long it rests in between."""

import asyncio
import itertools
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

log = logging.getLogger(__name__)

CANCELLED_AGAIN = 1.0
"""Seconds."""
PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between attempts while Kafka or Redis is away."""


@asynccontextmanager
async def running(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs them meanwhile, and cancels them in the end.

    Trap: a cancellation can be lost. Python 3.11's `asyncio.wait_for` swallows one that comes as its work is done.
    """
    tasks = [asyncio.create_task(work) for work in works]
    for task in tasks:
        task.add_done_callback(_leave_unless_cancelled)
    try:
        yield
    finally:
        pending = set(tasks)
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=CANCELLED_AGAIN)


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Returns after so many seconds, or as soon as it is told to stop."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)


def pauses(steps: Sequence[float]) -> itertools.chain[float]:
    """How long to wait before each next attempt, in seconds: these, and the last one for ever."""
    return itertools.chain(steps, itertools.repeat(steps[-1]))


def cancelled(error: BaseException) -> bool:
    """Whether this error tells the task that it is to end.

    Trap: whoever awaits what others have cancelled gets the same error, and must not end of it in silence.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _leave_unless_cancelled(task: asyncio.Task[None]) -> None:
    """Work that ended by itself met a bug; a process without it would only seem to be alive."""
    if not task.cancelled():
        log.critical("leaving, to be started again", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)
