"""The composition root: `python -m deploy.process KIND` runs one process of the system until it is told to stop.

It reads the settings, sets up the event loop, logging and signals, and hands over to the process's own `run`.
"""

import asyncio
import importlib
import logging
import os
import signal
import sys
import time
from typing import Protocol, cast

import uvloop

from streams.settings import Settings

MODULES = {
    "web": "deploy.web",
    "bridge": "deploy.bridge",
    "admit": "streams.admit",
    "lifecycle": "streams.lifecycle",
    "deliver": "streams.deliver",
    "projections": "projections.runner",
}
"""What runs each kind of process."""
CHATTY = ("aiokafka", "faust", "mode", "aiormq", "aio_pika", "httpx", "pymongo")
"""Libraries of which only warnings are wanted."""

log = logging.getLogger(__name__)


class Process(Protocol):
    """A module that runs a process."""

    async def run(self, settings: Settings, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set, finishes what is in flight, and returns."""


def main(kind: str) -> None:
    """Runs a process; returns when it was stopped, and ends the program with code 1 when it failed."""
    settings = Settings().expand()
    configure_logging()
    process = cast("Process", importlib.import_module(MODULES[kind]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_supervised(process, settings))


def configure_logging() -> None:
    """One line per message on standard error: when (UTC), how bad, who, what."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


async def _supervised(process: Process, settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    log.info("%s starts (pid %d)", settings.worker, os.getpid())
    try:
        await process.run(settings, stopping)
    except Exception:
        log.exception("%s failed: leaving, to be started again", settings.worker)
        # Not by unwinding: Faust's `finally` blocks would acknowledge and commit what was never done.
        logging.shutdown()
        os._exit(1)
    log.info("%s stopped", settings.worker)


if __name__ == "__main__":
    main(sys.argv[1])
