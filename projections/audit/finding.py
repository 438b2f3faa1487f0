"""What an audit may find, and how much of it is kept. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

Kind = Literal[
    "stuck",
    "dispatches",
    "no-outcome",
    "unannounced",
    "double",
    "not-covered",
    "decided-twice",
    "no-dead-letter",
    "unknown-type",
    "skipped",
    "hole",
    "no-position",
    "behind",
    "beyond-end",
    "other-log",
    "job-missing",
    "job-unexpected",
    "job-differs",
    "entry-missing",
    "entry-unexpected",
    "entry-differs",
    "story-differs",
    "document-missing",
    "document-unexpected",
    "document-differs",
    "counters",
    "sum",
]


class Field(NamedTuple):
    """A field of a document, as it is stored and as the log says; `...` where it is not there."""

    name: str
    stored: Any
    expected: Any


class Finding(NamedTuple):
    """Something that must not be. `id` is a notification's, or a place as `topic[partition]@offset`.

    `fields` are those in which a document that was looked at closely differs; people see them, programs their names.
    """

    kind: Kind
    id: str
    detail: str
    fields: tuple[Field, ...] = ()


class Findings:
    """All are counted, the first `limit` of each kind are kept."""

    def __init__(self, limit: int) -> None:
        self.counts: Counter[str] = Counter()
        self._limit = limit
        self._kept: list[Finding] = []

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._kept)

    def add(self, findings: Iterable[Finding]) -> None:
        """Take these in."""
        for finding in findings:
            self.counts[finding.kind] += 1
            if self.counts[finding.kind] <= self._limit:
                self._kept.append(finding)

    def merge(self, others: "Findings") -> None:
        """Take in those of another part of the audit, with its counts."""
        room = {kind: self._limit - self.counts[kind] for kind in others.counts}
        for finding in others:
            if room[finding.kind] > 0:
                room[finding.kind] -= 1
                self._kept.append(finding)
        self.counts.update(others.counts)


def place(topic: str, partition: int, offset: int) -> str:
    """A place on a topic as a finding names it."""
    return f"{topic}[{partition}]@{offset}"
