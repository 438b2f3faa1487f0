"""The reconciler's loop over a table: it acts on what stays late, and on nothing that moves while it looks."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams import reconciler
from streams.codec import decode
from streams.events import Queued
from streams.folding.table import Entry
from streams.reconciler import Reconciler
from streams.record import Record
from streams.rules.conclusions import came_due
from streams.rules.notification import Job, evolve
from tests.streams.lives import PATIENCE, RETRYING, at, event

END = 7
SECONDS = 60.0


class Table:
    """What lifecycle owns: one job in partition 3 that has been as it is for an hour; the log is folded to its end."""

    def __init__(self, job: Job) -> None:
        self.entries: dict[bytes, Entry[Job]] = {}
        self.take(job, time.monotonic() - 3600)
        self.next, self.done = {3: END}, {3: END}
        self.shards = {3: SimpleNamespace(entries=self.entries)}
        self.counts = SimpleNamespace(open_jobs=0, oldest_open=None, late=Counter[str]())
        self.group = self

    def take(self, job: Job, seen: float) -> None:
        self.entries[b"n"] = Entry(job, 0, b"key", job.due, None, seen)

    async def bounds(self, partitions: Iterable[int]) -> dict[int, SimpleNamespace]:
        return {partition: SimpleNamespace(end=END) for partition in partitions}


class Written:
    """A publisher that ends the loop after so many rounds."""

    url = "kafka://127.0.0.1:1"

    def __init__(self, rounds: int) -> None:
        self.records: list[Record] = []
        self._left = rounds

    async def publish(self, records: Sequence[Record]) -> None:
        self.records += records
        self._left -= 1
        if self._left == 0:
            raise asyncio.CancelledError


async def reconcile(table: Table, written: Written) -> None:
    loop = Reconciler(cast("Any", table), cast("Any", written), PATIENCE, lambda: at(500))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.ensure_future(loop.run()), SECONDS)


@pytest.fixture(autouse=True)
def _it_looks_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "LOOK_EVERY", 0.0)


async def test_what_stays_late_is_put_on_the_log_from_the_second_round_on_and_counted() -> None:
    table, written = Table(RETRYING), Written(rounds=3)
    await reconcile(table, written)
    assert [(decode(record.value), record.partition) for record in written.records] == [
        (came_due(RETRYING, at(500)), 3),
        (came_due(RETRYING, at(500)), 3),
    ]
    assert table.counts.late == {"retry": 1}  # the last round ended as it wrote
    assert (table.counts.open_jobs, table.counts.oldest_open) == (1, RETRYING.accepted)


async def test_nothing_is_put_on_the_log_about_what_moves_while_the_log_s_end_is_asked_for() -> None:
    class Moving(Table):
        async def bounds(self, partitions: Iterable[int]) -> dict[int, SimpleNamespace]:
            self.take(cast("Job", evolve(RETRYING, event(Queued(2, "a lane"), 9))), time.monotonic())
            return await super().bounds(partitions)

    table, written = Moving(RETRYING), Written(rounds=3)
    await reconcile(table, written)
    assert written.records == []
