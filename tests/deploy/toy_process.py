"""Processes for `test_process.py`: one that works until it is stopped, and two that fail."""

import asyncio
import logging
from pathlib import Path

from streams.settings import Settings

log = logging.getLogger("toy")


async def run(settings: Settings, stopping: asyncio.Event) -> None:
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
        case "cleaning":
            task = asyncio.create_task(_clean_up_late(settings.tidings_home))
            await asyncio.sleep(0)
            task.add_done_callback(lambda _: None)
            raise RuntimeError("the toy broke")


async def _clean_up_late(folder: Path) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        (folder / "committed").touch()
