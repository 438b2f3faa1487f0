"""The composition root: `python -m deploy.process KIND` runs one process of the system until it is told to stop.

It reads the settings, sets up the event loop, logging and signals, and hands over to the process's own `run`.
"""

import asyncio
import gc
import importlib
import logging
import os
import signal
import sys
from typing import Protocol, cast

import uvloop

from deploy.alive import watched
from deploy.kinds import MODULES
from deploy.log_lines import configure_logging
from deploy.web.health import served
from streams.codec import UnknownType
from streams.exits import Exit, Refused, die
from streams.health.vitals import Vitals
from streams.kafka.aiokafka_repairs import repair
from streams.settings import Settings

log = logging.getLogger(__name__)

GARBAGE = 50_000
"""New objects after which the collector looks for cycles, of which hardly any are made: with Python's 700 it took 12 to
19 % of a process's time under load."""


class Process(Protocol):
    """A module that runs a process."""

    async def run(self, settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
        """Tells `vitals` of its parts, works until `stopping` is set, finishes what is in flight, and returns."""


def main(kind: str) -> None:
    """Runs a process; returns when it was stopped, and ends the program with a code when it failed."""
    settings = Settings().expand()
    configure_logging()
    repair()
    process = cast("Process", importlib.import_module(MODULES[kind]))
    gc.freeze()  # what was imported stays, and need not be looked at
    gc.set_threshold(GARBAGE)
    port = None if kind == "web" else settings.metrics_port
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_supervised(process, settings, port))


async def _supervised(process: Process, settings: Settings, port: int | None) -> None:
    stopping, vitals = asyncio.Event(), Vitals(settings.stall_limit)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    log.info("%s starts (pid %d)", settings.worker, os.getpid())
    async with watched(settings, vitals, stopping), served(vitals, settings.worker, port):
        try:
            await _run(process, settings, stopping, vitals)
        except Refused as error:
            die(Exit.REFUSED, str(error))
        except UnknownType as error:
            die(Exit.UPGRADE, str(error))
        except Exception as error:
            log.exception("%s failed: leaving, to be started again", settings.worker)
            # Not by unwinding: Faust's `finally` blocks would acknowledge and commit what was never done.
            die(Exit.FAILED, repr(error))
    log.info("%s stopped", settings.worker)


async def _run(process: Process, settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Once told to stop, the process may take `settings.drain`; then it is ended with what it has in flight."""
    work = asyncio.create_task(process.run(settings, stopping, vitals))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    await asyncio.wait((work,), timeout=settings.drain)
    if not work.done():
        left = ", ".join(f"{count:g} {what}" for what, count in vitals.in_flight().items()) or "nothing in flight"
        die(Exit.UNDRAINED, f"told to stop, it did not finish within {settings.drain:g} s: {left}")
    work.result()


if __name__ == "__main__":
    main(sys.argv[1])
