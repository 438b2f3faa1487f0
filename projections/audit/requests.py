"""Whether every request that admit has read came to an outcome: bits of the log's outcomes in, findings out. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from projections.audit.coverage import Covered, below, runs, single
from projections.audit.finding import Finding, Findings, place
from projections.audit.letters import Letters
from streams.counted import counted
from streams.topics import REQUESTS


@dataclass(slots=True)
class Requests:
    """Requests by what became of them; each is counted once."""

    total: int = 0
    unread: int = 0
    lettered: int = 0
    lost: int = 0
    findings: Findings = field(default_factory=lambda: Findings(100))

    def add(self, partition: int, end: int, applied: int | None, covered: Covered, letters: Letters) -> None:
        """One partition of requests: it ends before `end`, and admit has read it up to `applied`."""
        given_up, gap = single(letters.requests.get(partition, ())), letters.gaps.get(partition, 0)
        read = below(min(applied or 0, end))
        self.total += end
        self.unread += (below(end) & ~read & ~covered.once).bit_count()
        self.lettered += (given_up & ~covered.once).bit_count()
        self.lost += (gap & ~covered.once & ~given_up).bit_count()
        self.findings.add(_findings(partition, read & ~covered.once & ~given_up & ~gap, covered.twice))
        if applied is None and covered.once:
            detail = "admit has decided requests of it, but its group has no committed offset"
            self.findings.add([Finding("no-position", f"{REQUESTS}[{partition}]", detail)])


def _findings(partition: int, missing: int, twice: int, most: int = 1000) -> Iterator[Finding]:
    for first, last in runs(missing, most):
        detail = f"admit has read {counted(last - first + 1, 'request')} up to offset {last} without any outcome"
        yield Finding("not-covered", place(REQUESTS, partition, first), detail)
    for first, last in runs(twice, most):
        detail = f"more than one outcome of {counted(last - first + 1, 'request')} up to offset {last}"
        yield Finding("decided-twice", place(REQUESTS, partition, first), detail)


def judge(
    ends: Mapping[int, int], applied: Mapping[int, int], covered: Mapping[int, Covered], letters: Letters, limit: int
) -> Requests:
    """All partitions, by number."""
    requests = Requests(findings=Findings(limit))
    for partition, end in ends.items():
        requests.add(partition, end, applied.get(partition), covered.get(partition, Covered(0, 0)), letters)
    return requests
