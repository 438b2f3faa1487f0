"""Work that goes on for as long as something else does, such as an app."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs them meanwhile, and cancels them in the end."""
    tasks = [asyncio.create_task(work) for work in works]
    for task in tasks:
        task.add_done_callback(_leave_unless_cancelled)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _leave_unless_cancelled(task: asyncio.Task[None]) -> None:
    """Work that ended by itself met a bug; a process without it would only seem to be alive."""
    if not task.cancelled():
        log.critical("leaving, to be started again", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)
