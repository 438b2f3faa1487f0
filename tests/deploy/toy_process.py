"""Processes for `test_process.py` and `test_alive.py`: one that works until it is stopped, and some that go wrong."""

import asyncio
import logging
import time
from pathlib import Path

from streams.codec import UnknownType
from streams.health.metrics import Reading
from streams.health.progress import Look
from streams.health.vitals import Vitals
from streams.settings import Settings

log = logging.getLogger("toy")


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    match settings.worker:
        case "steady":
            log.info("at work")
            await stopping.wait()
            log.info("finishing")
        case "failing":
            try:
                raise RuntimeError("the toy broke")
            finally:
                log.info("this much is the process's own business")
        case "outdated":
            raise UnknownType("event type 'toy.v2' is not known here")
        case "cleaning":
            task = asyncio.create_task(_clean_up_late(settings.tidings_home))
            await asyncio.sleep(0)
            task.add_done_callback(lambda _: None)
            raise RuntimeError("the toy broke")
        case "stalled":
            vitals.watch(lambda: {"toy digs": Look(0, 5)})
            await stopping.wait()
        case "blocked":
            await asyncio.sleep(0)
            time.sleep(3600)  # noqa: ASYNC251 - that is the fault
        case "stubborn":
            vitals.measure(lambda: [Reading("tidings_in_flight", 2, ("calls",))])
            log.info("at work")
            await asyncio.Event().wait()


async def _clean_up_late(folder: Path) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        (folder / "committed").touch()
