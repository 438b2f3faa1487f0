"""Audits partitions of the log: here, or for a long log in a process a core."""

import asyncio
import gc
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from projections.audit.ledger import Ledger
from projections.audit.partition import Partition, Result, Task
from projections.audit.spill import Spill
from projections.audit.story import Story
from streams.offsets import Extent
from streams.topic_reading import records
from streams.topics import EVENTS

ALONE = 100_000
"""Events up to which other processes would take longer to start than they save."""
LOOK = 0.2
"""Seconds between two reports."""

GARBAGE = 1_000_000
"""New objects after which the collector looks for cycles, of which a fold makes none: a fifth of the time saved."""

Told = Callable[[int], None]
"""Is told how many records have been read in all."""


class Work(NamedTuple):
    """A partition to be audited; its ledger goes into `folder`."""

    url: str
    extent: Extent
    folder: Path
    task: Task

    @property
    def ledger(self) -> Path:
        """What should be elsewhere, once it is audited."""
        return self.folder / f"ledger-{self.task.partition}.sqlite"


async def audit_partitions(works: Sequence[Work], told: Told) -> list[Result]:
    """The results, in order; the ledgers are written. Raises aiokafka's errors."""
    if sum(work.extent.end for work in works) <= ALONE:
        return await _one_by_one(works, told)
    context = multiprocessing.get_context("spawn")
    progress = context.Array("q", len(works), lock=False)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(os.cpu_count(), context, _share, (progress,)) as pool:
        tasks = [loop.run_in_executor(pool, _in_process, number, work) for number, work in enumerate(works)]
        waiting: set[asyncio.Future[Result]] = set(tasks)
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=LOOK, return_when=asyncio.FIRST_EXCEPTION)
            told(sum(progress))
        return [task.result() for task in tasks]


async def _one_by_one(works: Sequence[Work], told: Told) -> list[Result]:
    results, before = [], 0
    for work in works:
        results.append(await _audit(work, partial(_tell_more, told, before)))
        before += work.extent.end
    return results


def _tell_more(told: Told, before: int, count: int) -> None:
    told(before + count)


async def _audit(work: Work, told: Told) -> Result:
    spill = Spill[Story](work.folder / f"stories-{work.task.partition}.sqlite")
    partition, count = Partition(work.task, spill), 0
    place = TopicPartition(EVENTS, work.task.partition)
    async with aclosing(records(work.url, {place: Extent(0, work.extent.end)})) as batches:
        async for batch in batches:
            partition.take(batch)
            count += len(batch)
            told(count)
    ledger = Ledger(work.ledger)
    ledger.write(partition.rows())
    ledger.close()
    spill.close()
    return partition.result()


_progress: Any = []
"""In a process of ours: memory shared with the one that started it."""


def _share(progress: Any) -> None:  # noqa: ANN401 - an array of ctypes
    global _progress  # noqa: PLW0603 - a pool's processes have no other way to get it
    _progress = progress


def _in_process(number: int, work: Work) -> Result:
    def told(count: int) -> None:
        _progress[number] = count

    gc.set_threshold(GARBAGE)
    return asyncio.run(_audit(work, told))
