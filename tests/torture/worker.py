"""A worker of the toy processor, run as a program, which can be told to die, stop or go wrong at a chosen stage.

    python worker.py RUN NAME KAFKA_URL HOME    with FAULTS in the environment, a JSON object of `Faults`' fields

A stage is `log`, `lanes`, `changelog`, `command` or `commit`, each with `before`, `half` or `after`, and a count:
`changelog half 3` is in the middle of the third write of changelog records. `mutant` breaks the fold on purpose, to
prove that the checker notices.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import msgspec
import uvloop
from aiokafka import ConsumerRecord

from streams.folding.batch import Batch
from streams.folding.counts import Counts
from streams.folding.faust_app import faust_app, run
from streams.folding.faust_repairs import Fetched
from streams.folding.fold import Fold
from streams.folding.group import Group
from streams.folding.ownership import Ownership
from streams.folding.table import APPLIED, Entry
from streams.kafka.publisher import Publisher
from streams.record import Record
from streams.settings import Settings
from tests.torture.toy import Tally, Toy

REPORT_EVERY = 0.3

Mutant = Literal["no-guard", "table-first", "no-hole-check", "no-lease"]


class Faults(msgspec.Struct):
    kill_at: str = ""
    """E.g. "changelog half 3"."""
    stop_at: str = ""
    """Likewise: SIGSTOP to itself, as a paused container or a long garbage collection would."""
    kill_after_stages: int = 0
    pause: float = 0.0
    """Seconds of sleep at each stage."""
    drop_batch: int = 0
    """Loses a fetch of this batch on its way to the fold, as a race in Faust once did."""
    veto: str | None = None
    """Why no partition may be started afresh."""
    accept_gaps: bool = False
    mutant: Mutant | None = None


class Stages:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._seen: Counter[str] = Counter()

    async def reach(self, stage: str) -> None:
        self._seen[stage] += 1
        if f"{stage} {self._seen[stage]}" == self._faults.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if f"{stage} {self._seen[stage]}" == self._faults.stop_at:
            os.kill(os.getpid(), signal.SIGSTOP)
        if self._seen.total() == self._faults.kill_after_stages:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._faults.pause:
            await asyncio.sleep(self._faults.pause)

    def dies_half_way(self, kind: str) -> bool:
        """What is cut then is what a crash between two record batches of one write would cut: *applied up to*."""
        due = f"{kind} half {self._seen[f'{kind} half'] + 1}" in (self._faults.kill_at, self._faults.stop_at)
        return due or self._seen.total() + 1 == self._faults.kill_after_stages


class StagedPublisher(Publisher):
    def __init__(self, url: str, stages: Stages) -> None:
        super().__init__(url)
        self._stages = stages

    async def publish(self, records: Sequence[Record], *, within: float | None = None) -> None:
        if not records:
            return
        kind = _kind(records[0])
        await self._stages.reach(f"{kind} before")
        if self._stages.dies_half_way(kind):
            await super().publish([each for each in records if each.key != APPLIED], within=within)
        await self._stages.reach(f"{kind} half")
        await super().publish(records, within=within)
        await self._stages.reach(f"{kind} after")


def _kind(record: Record) -> str:
    kinds = {"changelog": "changelog", "lane": "lanes", "in": "command"}
    return kinds.get(record.topic.rsplit("-", 1)[1], "log")


def mutate(mutant: Mutant) -> None:
    match mutant:
        case "no-guard":
            entry = Batch.entry

            def unguarded(self: Batch[Tally], partition: int, key: bytes) -> Entry[Tally] | None:
                found = entry(self, partition, key)
                return None if found is None else msgspec.structs.replace(found, at=-1)

            mock.patch.object(Batch, "entry", unguarded).start()
        case "table-first":

            async def table_first(self: Fold[Tally], fetched: Sequence[Fetched]) -> None:
                batch, _ = self._decide(self._fresh(fetched))
                await self._write(batch)
                await self._publisher.publish(batch.log)
                await self._publisher.publish(batch.lanes)
                self._keep(batch)

            mock.patch.object(Fold, "_apply", table_first).start()
        case "no-hole-check":

            def trusting(self: Fold[Tally], record: ConsumerRecord) -> bool:
                current = bool(record.offset >= self._owned.next[record.partition])
                if current:
                    self._owned.next[record.partition] = record.offset
                return current

            mock.patch.object(Fold, "_expected", trusting).start()
        case "no-lease":
            mock.patch.object(Group, "proof_is_good", new=True).start()
            mock.patch.object(Group, "proof_left", 60.0).start()


def drop_events(batch: int) -> None:
    apply, batches = Fold._apply, Counter[str]()

    async def lossy(self: Fold[Tally], fetched: Sequence[Fetched]) -> None:
        batches["seen"] += 1
        if batches["seen"] != batch:
            await apply(self, fetched)

    mock.patch.object(Fold, "_apply", lossy).start()


def stage_commits(stages: Stages) -> None:
    settle = Ownership.settle

    async def staged(self: Ownership[Tally]) -> None:
        await stages.reach("commit before")
        await settle(self)
        await stages.reach("commit after")

    mock.patch.object(Ownership, "settle", staged).start()


async def report(path: Path, fold: Fold[Any]) -> None:
    """Append the counts every now and then, for a process that is killed has no last words."""
    with path.open("a") as file:
        while True:
            counts = {name: value for name, value in asdict(fold.counts).items() if isinstance(value, int)}
            file.write(json.dumps({"pid": os.getpid(), **counts}) + "\n")
            file.flush()
            await asyncio.sleep(REPORT_EVERY)


async def main(name: str, me: str, url: str, home: Path) -> None:
    faults = msgspec.json.decode(os.environ.get("FAULTS", "{}"), type=Faults)
    stages = Stages(faults)
    if faults.mutant:
        mutate(faults.mutant)
    if faults.drop_batch:
        drop_events(faults.drop_batch)
    stage_commits(stages)
    settings = Settings(kafka_url=url, tidings_home=home, worker=me, session_timeout=6, partitions=4)
    app, publisher = faust_app(name, settings), StagedPublisher(url, stages)

    async def veto(_: int, __: Counts) -> str | None:
        return faults.veto

    fold = Fold(
        app,
        source=f"{name}-in",
        rule=Toy(name),
        publisher=publisher,
        partitions=settings.partitions,
        refuse_fresh=veto,
        accept_gaps=faults.accept_gaps,
    )
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
    reporting = asyncio.create_task(report(home / f"{me}.counts", fold))
    await publisher.start()
    await run(app, stopping)
    await publisher.stop()
    reporting.cancel()


if __name__ == "__main__":
    logging.basicConfig(level="WARNING", format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    uvloop.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
