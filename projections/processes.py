"""Work on a long log, shared out among processes that tell how far they are."""

import asyncio
import gc
import multiprocessing
import os
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

ALONE = 100_000
"""Events up to which other processes would take longer to start than they save."""
LOOK = 0.2
"""Seconds between two reports."""
GARBAGE = 1_000_000
"""New objects after which the collector looks for cycles, of which a fold makes none: a fifth of the time saved."""

Told = Callable[[int], None]
"""Is told how many records have been read in all."""
WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")


async def in_processes(
    do: Callable[[WorkT, Told], Coroutine[Any, Any, ResultT]], works: Sequence[WorkT], told: Told
) -> list[ResultT]:
    """The results, in order; as many at once as there are cores. Raises what `do` does, a function of a module."""
    context = multiprocessing.get_context("spawn")
    progress = context.Array("q", len(works), lock=False)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(works)), context, _share, (progress,)) as pool:
        tasks = [loop.run_in_executor(pool, _in_process, do, number, work) for number, work in enumerate(works)]
        waiting: set[asyncio.Future[ResultT]] = set(tasks)
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=LOOK, return_when=asyncio.FIRST_EXCEPTION)
            told(sum(progress))
        return [task.result() for task in tasks]


_progress: Any = []
"""In a process of ours: memory shared with the one that started it."""


def _share(progress: Any) -> None:  # noqa: ANN401 - an array of ctypes
    global _progress  # noqa: PLW0603 - a pool's processes have no other way to get it
    _progress = progress


def _in_process(do: Callable[[WorkT, Told], Coroutine[Any, Any, ResultT]], number: int, work: WorkT) -> ResultT:
    def told(count: int) -> None:
        _progress[number] = count

    gc.set_threshold(GARBAGE)
    return asyncio.run(do(work, told))
