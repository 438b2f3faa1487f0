"""The read models' part of an audit: have they read all of the log, do they hold and count what it says."""

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple

from projections.audit.comparison import Suspect, compare, compare_folds
from projections.audit.explain import explain
from projections.audit.finding import Finding
from projections.audit.folds import AUDITED
from projections.audit.ledger import Ledger
from projections.audit.letters import Letters
from projections.audit.report import Report
from projections.fingerprints import digest
from projections.identity import log_identity
from projections.models import OF_LOG, VERSIONS
from projections.position import Document, LogIdentity, Position, key
from projections.present import jobs, story
from projections.present.reads import Reads
from streams.counted import counted
from streams.exits import Refused
from streams.topics import EVENTS

LOOK = 0.2
"""Seconds between two looks at the positions."""
EXPLAINED = 20
"""Notifications whose differences are told field by field; the others are named only."""


async def caught_up(reads: Reads, url: str, ends: Mapping[int, int], within: float) -> list[Finding]:
    """Waits until the projections have read up to these ends; findings if it is another log, or if they stand still.

    `within`: seconds in which they must get on.
    """
    identity, before, moved = await log_identity(url, EVENTS), list[Finding](), time.monotonic()
    while True:
        try:
            behind = _behind(await reads.positions(), ends, identity)
        except Refused as error:
            return [Finding("other-log", EVENTS, str(error))]
        if behind != before:
            before, moved = behind, time.monotonic()
        if not behind or time.monotonic() - moved > within:
            return behind
        await asyncio.sleep(LOOK)


def _behind(positions: Mapping[str, Document], ends: Mapping[int, int], identity: LogIdentity) -> list[Finding]:
    findings = []
    for partition, end in ends.items():
        for name in OF_LOG:
            stored = positions.get(key(name, partition))
            offset = Position.read(stored, VERSIONS[name], identity).offset if stored else -1
            if offset < end - 1:
                detail = f"has folded up to offset {offset}, and the log ends before {end}"
                findings.append(Finding("behind", key(name, partition), detail))
    return findings


class Audited(NamedTuple):
    """The log as it was read: its ends and ledgers by partition. What is `shared` is in several partitions.

    `shared` are ids of notifications, `shared_documents` collections and ids.
    """

    url: str
    ends: Mapping[int, int]
    ledgers: Mapping[int, Ledger]
    letters: Letters
    shared: frozenset[str]
    shared_documents: frozenset[tuple[str, str]]


async def look(reads: Reads, log: Audited, report: Report) -> None:
    """Compare all of it; takes findings, counts and digests into the report."""
    stored = await compare(reads, log.ledgers, log.ends, log.shared)
    async for batch in compare_folds(reads, log.ledgers, log.ends, log.shared_documents, stored):
        report.findings.add(batch)
    few: dict[str, Suspect] = {}
    for suspect in stored.suspects:
        if len(few) < EXPLAINED:
            few.setdefault(suspect.id, suspect)
    report.findings.add(await explain(log.url, reads, few.values(), log.ends, log.letters))
    rest = [suspect for suspect in stored.suspects if suspect.id not in few]
    report.findings.add(Finding(one.kind, one.id, "its documents are not what the log says") for one in rest)
    report.findings.counts.update(stored.dropped)
    report.counts |= {
        "documents": dict(stored.documents),
        "ahead": stored.ahead,
        "notCompared": len(log.shared) + len(log.shared_documents),
    }
    report.stored = {story.PROJECTION: digest(stored.lines)}
    if jobs.PROJECTION not in stored.moving:
        report.stored[jobs.PROJECTION] = digest(stored.jobs)
    still = AUDITED.keys() - stored.moving
    report.stored |= {part: digest(stored.digests[part]) for part in sorted(still)}


def counters(
    positions: Mapping[str, Document], ends: Mapping[int, int], statuses: Mapping[int, Mapping[str, int]]
) -> list[Finding]:
    """The counters beside the positions that stand exactly where the audit ended."""
    findings = []
    for partition, end in ends.items():
        stored, log = positions.get(key(jobs.PROJECTION, partition)), statuses[partition]
        if stored and stored["offset"] == end - 1 and stored["counts"] != dict(log):
            findings.append(Finding("counters", key(jobs.PROJECTION, partition), _miscounted(stored["counts"], log)))
    return findings


def skipped(positions: Mapping[str, Document]) -> list[Finding]:
    """What the read models lack because whoever folded them did not know it, as their positions tell."""
    return [
        Finding(
            "skipped", name, f"has left out {counted(count, 'event')} of types that were not known to who folded it"
        )
        for name, stored in sorted(positions.items())
        if (count := stored.get("skipped", 0))
    ]


def _miscounted(stored: Mapping[str, int], log: Mapping[str, int]) -> str:
    names = sorted(name for name in stored.keys() | log.keys() if stored.get(name) != log.get(name))
    told = (f"{name} {stored.get(name, 'nothing')}, the log says {log.get(name, 'nothing')}" for name in names)
    return f"counts {'; '.join(told)}"
