"""Sees to it that a process which is alive but does not work ends, so that its supervisor starts another one.

Two kinds of that: work stands still though nothing hinders it (the event loop looks, see `streams.health.progress`), or
the event loop itself stands still (a thread looks).
"""

import asyncio
import faulthandler
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from streams.exits import Exit, die, or_die
from streams.health.lag import Lag
from streams.health.vitals import Vitals
from streams.settings import Settings

TICK = 1.0
"""Seconds between two looks."""
GRACE = 10.0
"""Seconds for which `/healthz` says that work is stalled before the process ends."""
LAST_WORDS = 2.0
"""Seconds for telling why; then the process ends in any case."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def watched(settings: Settings, vitals: Vitals, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Watches the process while the body runs; its work is judged until `stopping`."""
    lag = Lag(settings.kafka_url, settings.partitions, vitals.followed)
    vitals.watch(lag.looks)
    vitals.measure(lag.readings)
    watchdog = Watchdog(settings.stall_limit)
    watchdog.start()
    tasks = [asyncio.create_task(or_die(work)) for work in (lag.run(), keep_looking(vitals, watchdog, stopping))]
    try:
        yield
    finally:
        watchdog.stop()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def keep_looking(vitals: Vitals, watchdog: "Watchdog", stopping: asyncio.Event) -> None:
    """Look at the work every second until cancelled; end the process when it is hopeless."""
    while True:
        watchdog.turns += 1
        if not stopping.is_set():
            vitals.look(time.monotonic())
            if hopeless := vitals.stalled(vitals.stall_limit + GRACE):
                log.critical("where every task waits:\n%s", "\n".join(sorted(map(waits, asyncio.all_tasks()))))
                die(Exit.STUCK, "; ".join(f"{name}: {progress}" for name, progress in hopeless.items()))
        await asyncio.sleep(TICK)


def waits(task: asyncio.Task[Any]) -> str:
    """Where a task is, from its beginning to the innermost thing that it waits for."""
    return f"{task.get_name()}: {' > '.join(_frames(task.get_coro()))}"


def _frames(awaited: Any) -> Iterator[str]:  # noqa: ANN401 - coroutines, generators and futures, each with its own names
    while frame := getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None):
        yield f"{frame.f_code.co_qualname} ({frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno})"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    if awaited is not None:
        yield repr(awaited)


class Watchdog:
    """A thread that ends the process when the event loop has not turned for `limit` seconds.

    It counts its own ticks and never looks at a clock: a process that was stopped and goes on has missed none of them.
    """

    def __init__(self, limit: float) -> None:
        self.turns = 0
        """Counted up by the event loop."""
        self._limit = limit
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _watch(self) -> None:
        seen, still = -1, 0
        while not self._stopped.wait(TICK):
            still = 0 if self.turns != seen else still + 1
            seen = self.turns
            if still * TICK >= self._limit:
                self._bite()

    def _bite(self) -> None:
        """Trap: the event loop may hold the lock of the log, or stand still because nobody reads its output."""
        killer = threading.Timer(LAST_WORDS, os._exit, (Exit.STUCK,))
        killer.daemon = True
        killer.start()
        faulthandler.dump_traceback()
        die(Exit.STUCK, f"the event loop did not turn for {self._limit:g} s")
