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
from projections.jobs import Shared
from projections.processes import ALONE, Told, in_processes
from streams.kafka.offsets import Extent
from streams.kafka.topic_reading import records
from streams.topics import EVENTS


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
    evolve, count = Shared(), 0
    partition = Partition(work.task, spill, evolve)
    folds, digests = Folds(work.folder, work.task.partition, work.task.letters, evolve), Counter[str]()
    place = TopicPartition(EVENTS, work.task.partition)
    async with aclosing(records(work.url, {place: Extent(0, work.extent.end)})) as batches:
        async for batch in batches:
            folds.take(partition.take(batch))
            evolve.forget()
            count += len(batch)
            told(count)
    ledger = Ledger(work.ledger)
    ledger.write(partition.rows())
    ledger.expect(_counted(folds.expected(), digests))
    ledger.close()
    spill.close()
    folds.close()
    return partition.result()._replace(documents=digests)


def _counted(expected: Iterable[Expected], digests: Counter[str]) -> Iterator[Expected]:
    for one in expected:
        digests[one.part] += one.print
        yield one
