"""Audits partitions of the log: here, or for a long log in a process a core."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from aiokafka import TopicPartition

from projections.audit.folds import Expected, Folds
from projections.audit.ledger import Ledger
from projections.audit.partition import Partition, Result, Task
from projections.audit.spill import Spill
from projections.audit.story import Story
from projections.present import jobs
from projections.present.jobs import Shared
from projections.processes import ALONE, Told, in_processes
from streams.kafka.offsets import Extent
from streams.kafka.topic_reading import records
from streams.topics import EVENTS


class Work(NamedTuple):
    """A partition to be audited; its ledger goes into `folder`.

    `compared`: whether the read models will be, so that those that the proof itself has no need of are folded as well.
    """

    url: str
    extent: Extent
    folder: Path
    task: Task
    compared: bool

    @property
    def ledger(self) -> Path:
        """What should be elsewhere, once it is audited."""
        return self.folder / f"ledger-{self.task.partition}.sqlite"


async def audit_partitions(works: Sequence[Work], told: Told) -> list[Result]:
    """The results, in order; the ledgers are written. Raises aiokafka's errors."""
    if sum(work.extent.end for work in works) <= ALONE:
        return await _one_by_one(works, told)
    return await in_processes(_audit, works, told)


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
    shared, count = Shared(), 0
    folds = Folds(work.folder, work.task.partition, work.task.letters, shared) if work.compared else None
    partition = Partition(work.task, spill, shared if folds else jobs.evolve)
    place = TopicPartition(EVENTS, work.task.partition)
    async with aclosing(records(work.url, {place: Extent(0, work.extent.end)})) as batches:
        async for batch in batches:
            items = partition.take(batch)
            if folds is not None:
                folds.take(items)
                shared.forget()
            count += len(batch)
            told(count)
    ledger = Ledger(work.ledger)
    digests = Counter[str]()
    ledger.write(partition.rows())
    if folds is not None:
        ledger.expect(_counted(folds.expected(), digests))
        folds.close()
    ledger.close()
    spill.close()
    return partition.result()._replace(documents=digests)


def _counted(expected: Iterable[Expected], digests: Counter[str]) -> Iterator[Expected]:
    for one in expected:
        digests[one.part] += one.print
        yield one
