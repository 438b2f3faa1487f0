"""The read models as they are stored, against what the ledgers say they should be."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from projections import fingerprints
from projections.audit.finding import Finding, Kind
from projections.audit.folds import AUDITED, PARTS
from projections.audit.ledger import Ledger, Tally
from projections.models import READ_MODELS, Part
from projections.position import Document
from projections.present import jobs, story
from projections.present.reads import Reads

KEPT = 10_000
JOBS = READ_MODELS[jobs.PROJECTION].parts[jobs.PROJECTION]
LINES = READ_MODELS[story.PROJECTION].parts[story.PROJECTION]
Placed = tuple[Document, int]
"""A document, and the offset that it stands at."""


class Suspect(NamedTuple):
    """A notification that is not stored as it should be."""

    kind: Kind
    id: str
    partition: int


@dataclass(slots=True)
class Stored:
    """What was found. `jobs` and `lines` are digests; `ahead` counts documents that moved past the end meanwhile."""

    jobs: int = 0
    lines: int = 0
    digests: Counter[str] = field(default_factory=Counter)
    """Of the other collections, by name. Of those that are `moving` some were ahead."""
    moving: set[str] = field(default_factory=set)
    documents: Counter[str] = field(default_factory=Counter)
    ahead: int = 0
    suspects: list[Suspect] = field(default_factory=list)
    """Not more than `KEPT`; `dropped` counts the others."""
    dropped: Counter[str] = field(default_factory=Counter)

    def suspect(self, kind: Kind, names: Iterable[str], partition: int) -> None:
        """These are not as they should be."""
        for name in names:
            if len(self.suspects) < KEPT:
                self.suspects.append(Suspect(kind, name, partition))
            else:
                self.dropped[kind] += 1


async def compare(
    reads: Reads, ledgers: Mapping[int, Ledger], ends: Mapping[int, int], shared: frozenset[str]
) -> Stored:
    """Read all of both. `ends`: the audited end by partition; ids in `shared` are in several, and not compared."""
    stored = Stored()
    async for batch in reads.every(jobs.PROJECTION):
        for partition, documents in _by_partition(batch, JOBS, shared).items():
            _take_jobs(stored, partition, documents, ledgers.get(partition), ends.get(partition, 0))
    async for batch in reads.every(story.PROJECTION):
        for partition, documents in _by_partition(batch, LINES, shared).items():
            _take_lines(stored, partition, documents, ledgers.get(partition), ends.get(partition, 0))
    for partition, ledger in ledgers.items():
        ledger.excuse(shared)
        stored.suspect("job-missing", ledger.without_job(), partition)
        stored.suspect("story-differs", ledger.without_story(), partition)
    return stored


async def compare_folds(
    reads: Reads, ledgers: Mapping[int, Ledger], ends: Mapping[int, int], shared: frozenset[tuple[str, str]], to: Stored
) -> AsyncIterator[Iterable[Finding]]:
    """The other collections; those of the `shared` documents are several partitions', and not compared."""
    for part, model in AUDITED.items():
        async for batch in reads.every(model, part):
            yield _take_documents(to, part, [one for one in batch if (part, one["_id"]) not in shared], ledgers, ends)
    for ledger in ledgers.values():
        yield (
            Finding("document-missing", f"{part} {name}", "it is not stored")
            for part, name in ledger.missing()
            if (part, name) not in shared
        )


def _take_documents(
    stored: Stored, part: str, documents: list[Document], ledgers: Mapping[int, Ledger], ends: Mapping[int, int]
) -> Iterator[Finding]:
    judging, parts = PARTS[part], defaultdict[int, dict[str, int | None]](dict)
    for document in documents:
        ((partition, offset),) = judging.stands(document).items()
        ahead = partition in ends and offset >= ends[partition]
        parts[partition][document["_id"]] = None if ahead else judging.fingerprint(document)
    for partition, prints in parts.items():
        expected = ledgers[partition].find(part, list(prints)) if partition in ledgers else {}
        for name, found in prints.items():
            if found is None:
                stored.ahead += 1
                stored.moving.add(part)
                continue
            stored.documents[part] += 1
            stored.digests[part] += found
            if name not in expected:
                yield Finding("document-unexpected", f"{part} {name}", "it is stored, and the log knows nothing of it")
            elif expected[name] != found:
                yield Finding("document-differs", f"{part} {name}", "it is not what the log says")


def _by_partition(batch: Iterable[Document], judging: Part, shared: frozenset[str]) -> dict[int, list[Placed]]:
    parts: dict[int, list[Placed]] = defaultdict(list)
    for document in batch:
        if document.get("jobId", document["_id"]) not in shared:
            ((partition, offset),) = judging.stands(document).items()
            parts[partition].append((document, offset))
    return parts


def _take_jobs(stored: Stored, partition: int, documents: list[Placed], ledger: Ledger | None, end: int) -> None:
    expected = ledger.jobs([document["_id"] for document, _ in documents]) if ledger else {}
    for document, offset in documents:
        name = document["_id"]
        if offset >= end and ledger is not None:
            stored.ahead += 1
            stored.moving.add(jobs.PROJECTION)
            continue
        stored.documents[jobs.PROJECTION] += 1
        found = JOBS.fingerprint(document)
        stored.jobs = (stored.jobs + found) & fingerprints.MASK
        job, _ = expected.get(name, (None, -1))
        if job is None:
            stored.suspect("job-unexpected", [name], partition)
        elif int.from_bytes(job, "little") != found:
            stored.suspect("job-differs", [name], partition)
    if ledger is not None:
        ledger.strike_jobs(expected)


def _take_lines(stored: Stored, partition: int, documents: list[Placed], ledger: Ledger | None, end: int) -> None:
    tallies: dict[str, Tally] = {}
    for document, offset in documents:
        if ledger is not None and offset >= end:
            continue
        tale, lines = tallies.get(document["jobId"], (0, 0))
        found = LINES.fingerprint(document)
        tallies[document["jobId"]] = Tally((tale + found) & fingerprints.MASK, lines + 1)
        stored.lines = (stored.lines + found) & fingerprints.MASK
        stored.documents[story.PROJECTION] += 1
    unknown = ledger.strike_lines(tallies) if ledger else tallies.keys()
    stored.suspect("entry-unexpected", unknown, partition)
