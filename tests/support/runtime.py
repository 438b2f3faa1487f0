"""A clock for time limits that hold on any machine: it stands still while a busy one lets this process do nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK = 0.01
"""Seconds between two looks at the time."""
HESITATION = 0.02
"""Seconds by which a look may be late since other threads of this process hold the interpreter: that counts."""

Runtime = Callable[[], float]
"""Seconds, as `time.monotonic` tells them, without those for which nothing here could run."""


class _Clock:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._lost = 0.0

    def __call__(self) -> float:
        with self._lock:
            now = time.monotonic()
            late = now - self._last - TICK
            self._lost += late if late > HESITATION else 0
            self._last = now
            return now - self._lost


@contextmanager
def runtime() -> Iterator[Runtime]:
    """The clock, looked at all the time by a thread of its own."""
    clock, over = _Clock(), threading.Event()

    def look() -> None:
        while not over.wait(TICK):
            clock()

    thread = threading.Thread(target=look, name="runtime")
    thread.start()
    try:
        yield clock
    finally:
        over.set()
        thread.join()
