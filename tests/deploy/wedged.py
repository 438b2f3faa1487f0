"""A fold that is alive, heartbeats and all, and does not work; run as a program: `wedged.py HOW KIND`."""

import asyncio
import sys

from deploy import process
from streams.folding import process as fold_process
from streams.folding.changelog import Changelog
from streams.folding.fold import Fold


async def never_read(_fold: object, _stream: object) -> None:
    """The agent has its partitions, and takes nothing from the stream."""
    await asyncio.Event().wait()


async def never_join(_app: object, stopping: asyncio.Event) -> None:
    """Faust waits for an assignment for ever."""
    await stopping.wait()


async def never_fill(*_: object) -> None:
    """A table is gained, and reading it hangs."""
    await asyncio.Event().wait()


match sys.argv[1]:
    case "never-reads":
        Fold._consume = never_read  # type: ignore[method-assign, assignment]
    case "never-loads":
        Changelog._fill = never_fill  # type: ignore[method-assign, assignment]
    case "never-joins":
        fold_process.run_app = never_join  # type: ignore[assignment, attr-defined]
process.main(sys.argv[2])
