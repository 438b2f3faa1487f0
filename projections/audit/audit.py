"""The whole audit: what everybody had done, the log, the lanes, the read models; a report out. Changes nothing."""

import os
import resource
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from aiokafka import TopicPartition

from projections.audit import requests
from projections.audit.bounds import Bounds, beyond_end, bounds
from projections.audit.coverage import combined
from projections.audit.finding import Finding, Findings
from projections.audit.folds import AUDITED
from projections.audit.lanes import stuck_in_no_lane
from projections.audit.ledger import Ledger
from projections.audit.letters import Letters
from projections.audit.partition import Result, Task
from projections.audit.queues import waiting
from projections.audit.read_models import Audited, caught_up, counters, look, skipped
from projections.audit.report import Report
from projections.audit.verdict import Sight
from projections.audit.worker import Work, audit_partitions
from projections.fingerprints import digest
from projections.models import family
from projections.mongo.connection import database
from projections.position import UNREAD, key
from projections.present import jobs, story
from projections.present.reads import Reads
from projections.processes import ALONE
from streams.archive.digest import of_log
from streams.kafka.topic_reading import records
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS, OPERATIONS, REQUESTS

PATIENCE = 5.0
"""Seconds to wait for a MongoDB that is away."""


@dataclass(frozen=True, slots=True)
class Options:
    """How it is done.

    `tolerance`: seconds by which a time may have passed. `catch_up`: seconds in which projections that are behind must
    get on.
    `limit`: findings of a kind that are kept; all are counted.
    """

    tolerance: float = 30.0
    read_models: bool = True
    limit: int = 100
    catch_up: float = 30.0


class Watcher(Protocol):
    """Is told how far the audit is."""

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records."""

    def done(self, count: int) -> None:
        """So many of them, in all."""


@dataclass(slots=True)
class _Audit:
    """Its parts, in the order they are made."""

    url: str
    options: Options
    watcher: Watcher
    folder: Path
    reads: Reads | None
    scene: Bounds = field(init=False)
    letters: Letters = field(default_factory=Letters)
    ends: dict[int, int] = field(default_factory=dict)
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    results: Sequence[Result] = ()

    async def run(self, report: Report) -> None:
        began = time.perf_counter()
        self.watcher.begin("how far everybody is")
        self.scene = await bounds(self.url, self.reads)
        report.findings.add(beyond_end(self.scene))
        self.ends = {place.partition: extent.end for place, extent in self.scene.of(EVENTS).items()}
        await self._read_letters()
        works = self._works()
        began_log = time.perf_counter()
        self.watcher.begin("the log", sum(self.ends.values()))
        self.results = await audit_partitions(works, self.watcher.done)
        self._conclude(report)
        report.events_per_second = report.counts["events"] / (time.perf_counter() - began_log)
        await self._look_elsewhere(report, works)
        report.seconds = time.perf_counter() - began

    async def _read_letters(self) -> None:
        places = self.scene.of(DEAD_LETTERS) | self.scene.of(OPERATIONS)
        async with aclosing(records(self.url, places)) as batches:
            async for batch in batches:
                if batch and batch[0].topic == DEAD_LETTERS:
                    self.letters.add_letters(batch)
                else:
                    self.letters.add_operations(batch)

    def _works(self) -> list[Work]:
        committed = self.scene.committed
        tolerance = int(self.options.tolerance * 1000)
        works = []
        for place, extent in self.scene.of(EVENTS).items():
            applied = committed.lifecycle.get(place, 0)
            lettered = self._projected(place.partition) if self.reads else applied
            sight = Sight(applied, committed.now, tolerance, self.letters.at_rest.get(place.partition, 0))
            part = self.letters.part(place.partition)
            task = Task(place.partition, sight, lettered, part, self.options.limit)
            works.append(Work(self.url, extent, self.folder, task, self.reads is not None))
        return works

    def _projected(self, partition: int) -> int:
        stored = self.scene.committed.projected
        offsets = [stored.get(key(name, partition), {}).get("offset", UNREAD) for name in family("present")]
        return int(min(offsets)) + 1

    def _conclude(self, report: Report) -> None:
        counts, kinds = Counter[str](), Counter[str]()
        for result in self.results:
            counts.update(result.counts)
            kinds.update(result.kinds)
            report.findings.merge(result.findings)
            report.findings.add(self._lost_position(result))
        came = self._requests(report.findings)
        report.counts = _counts(counts, kinds, came, self.letters)
        report.digests = {
            "log": of_log(result.digest for result in self.results),
            jobs.PROJECTION: digest(sum(result.jobs for result in self.results)),
            story.PROJECTION: digest(sum(result.lines for result in self.results)),
            **{
                part: digest(sum(result.documents[part] for result in self.results))
                for part in (AUDITED if self.reads else ())
            },
        }
        decided = sum(counts[name] for name in ("sent", "failed", "withheld", "open"))
        if counts["accepted"] != decided:
            detail = f"{counts['accepted']} were accepted, {decided} are sent, failed, withheld or open"
            report.findings.add([Finding("sum", EVENTS, detail)])

    def _lost_position(self, result: Result) -> list[Finding]:
        place = TopicPartition(EVENTS, result.partition)
        if place in self.scene.committed.lifecycle or not result.kinds["queued"]:
            return []
        detail = "lifecycle has queued notifications of it, but its group has no committed offset"
        return [Finding("no-position", f"{EVENTS}[{result.partition}]", detail)]

    def _requests(self, findings: Findings) -> requests.Requests:
        ends = {place.partition: extent.end for place, extent in self.scene.of(REQUESTS).items()}
        applied = {place.partition: offset for place, offset in self.scene.committed.admit.items()}
        covered = combined(part for result in self.results for part in result.covered)
        came = requests.judge(ends, applied, covered, self.letters, self.options.limit)
        findings.merge(came.findings)
        return came

    async def _look_elsewhere(self, report: Report, works: Sequence[Work]) -> None:
        async with AsyncExitStack() as files:
            for work in works:
                self.ledgers[work.task.partition] = files.enter_context(closing(Ledger(work.ledger)))
            self.watcher.begin("the lanes")
            report.findings.add(await stuck_in_no_lane(self.url, self.scene, self.ledgers))
            if self.reads is not None:
                self.watcher.begin("the read models")
                await self._look_at_read_models(self.reads, report, works)

    async def _look_at_read_models(self, reads: Reads, report: Report, works: Sequence[Work]) -> None:
        behind = await caught_up(reads, self.url, self.ends, self.options.catch_up)
        report.findings.add(behind)
        if behind:
            return
        statuses = {result.partition: result.statuses for result in self.results}
        positions = await reads.positions()
        report.findings.add(counters(positions, self.ends, statuses))
        report.findings.add(skipped(positions))
        shared, shared_documents = set[str](), set[tuple[str, str]]()
        for one, other in combinations(works, 2):
            ledger = self.ledgers[one.task.partition]
            shared.update(ledger.shared(other.ledger))
            shared_documents.update(ledger.shared_documents(other.ledger))
        found = Audited(self.url, self.ends, self.ledgers, self.letters, frozenset(shared), frozenset(shared_documents))
        await look(reads, found, report)


async def audit(settings: Settings, options: Options, watcher: Watcher) -> Report:
    """Raises `NoLog`, `Unavailable` and aiokafka's errors when the servers can't be asked."""
    report = Report(Findings(options.limit))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tidings-audit-")))
        reads = None
        if options.read_models:
            reads = Reads(await stack.enter_async_context(database(settings, patience=PATIENCE)))
        await _Audit(settings.kafka_url, options, watcher, folder, reads).run(report)
    report.counts["waitingInRabbitMQ"] = await waiting(settings.rabbitmq_url)
    report.memory = _memory(report.counts["events"])
    return report


def _counts(counts: Counter[str], kinds: Counter[str], came: requests.Requests, letters: Letters) -> dict[str, object]:
    plain = (
        "events",
        "accepted",
        "suppressed",
        "repeated",
        "noted",
        "preferencesSet",
        "acceptedAgain",
        "sent",
        "failed",
        "withheld",
        "open",
        "writtenAgain",
    )
    return {
        "requests": came.total,
        **{name: counts[name] for name in plain},
        "sendings": kinds["sending"],
        "sendLost": kinds["send-lost"],
        "redeliveries": kinds["redelivery-requested"],
        "deadLetters": letters.states(),
        "requestsUnread": came.unread,
        "requestsLettered": came.lettered,
        "lostToGaps": came.lost,
        "poison": counts["poison"],
        "unreadable": letters.unreadable,
    }


def _memory(events: int) -> int:
    """Peak resident bytes: of this process, and of the others if the log was long enough for them."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (os.cpu_count() or 1) if events > ALONE else 0
    return (own + others) * 1024
