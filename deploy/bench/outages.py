"""What a fresh stack does while the provider is down, and after, on the console: an outage is a file that is there."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deploy.bench import backlog, isolation
from deploy.bench.fresh import fresh_stack


def pile_up(count: int, size: int) -> None:
    """A backlog of so many, each with `size` bytes of text more."""
    with _outage() as outage:
        outage.touch()
        with fresh_stack() as (stack, settings):
            peaks, told = asyncio.run(backlog.run(settings, stack.supervision, outage.unlink, count, size))
    Console().print(backlog.table(peaks), told)


def isolate(asked: isolation.Load) -> None:
    """Transactional ones alone, beside a backlog, and in a flood."""
    with _outage() as outage:
        os.environ.setdefault("SLOTS_PER_LANE", isolation.SLOTS)
        os.environ.setdefault("MOCK_FAILURE_RATE", "0")
        with fresh_stack() as (_, settings):
            phases = asyncio.run(isolation.run(settings, asked, outage.touch, outage.unlink))
    Console().print(isolation.table(phases, asked, settings))


@contextmanager
def _outage() -> Iterator[Path]:
    """The file, which is not there yet; the stack that is started meanwhile looks at it."""
    with tempfile.TemporaryDirectory(prefix="tidings-outage-") as folder:
        outage = Path(folder, "outage")
        os.environ["MOCK_OUTAGE"] = str(outage)
        yield outage
