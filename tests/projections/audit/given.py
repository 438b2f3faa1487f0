"""Logs made of events, and what an audit of one partition says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from projections.audit.finding import Finding
from projections.audit.ledger import Row
from projections.audit.letters import Letters
from projections.audit.partition import Partition, Result, Task
from projections.audit.spill import Spill
from projections.audit.story import Story
from projections.audit.verdict import Sight
from streams.clock import milliseconds
from streams.codec import encode
from streams.events import Accepted, Body, Event, Origin
from streams.topics import EVENTS
from tests.projections.lives import Events, at, event, life, request

ALL = 1 << 40
"""An offset past every log."""
TOLERANCE = 30_000
LONG_AFTER = milliseconds(at(3600))


@dataclass(frozen=True)
class Raw:
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    topic: str = EVENTS


@dataclass(frozen=True)
class Audited:
    result: Result
    rows: dict[str, Row]

    @property
    def findings(self) -> list[Finding]:
        return list(self.result.findings)

    @property
    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.findings]


def born(name: str = "n", offset: int = 0, seconds: float = 0) -> Event[Accepted]:
    """Accepted, as the outcome of this request."""
    return event(Accepted(request(), "transactional", Origin(0, offset)), name, seconds)  # type: ignore[return-value]


def lived(outcomes: str, name: str = "n", offset: int = 0, seconds: float = 0) -> Events:
    """A life that begins with its own request."""
    return life(born(name, offset, seconds), outcomes)


def without(events: Events, kind: type[object], dispatch: int | None = None) -> Events:
    """The events but those of this kind, or of one dispatch of this kind."""
    return [
        one
        for one in events
        if not isinstance(one.body, kind) or dispatch not in (None, getattr(one.body, "dispatch", None))
    ]


def audited(
    records: Sequence[Event[Body] | Raw],
    folder: Path,
    *,
    applied: int = ALL,
    now: int = LONG_AFTER,
    letters: Letters | None = None,
    held: int = 1000,
) -> Audited:
    """The audit of a partition with this log, which lifecycle and the projections have read up to `applied`."""
    made = [
        record if isinstance(record, Raw) else Raw(0, number, b"k", encode(record))
        for number, record in enumerate(records)
    ]
    spill = Spill[Story](folder / f"{len(list(folder.iterdir()))}.sqlite", held)
    partition = Partition(Task(0, Sight(applied, now, TOLERANCE), applied, letters or Letters(), 100), spill)
    for start in range(0, len(made), 7):
        partition.take(made[start : start + 7])
    rows = {row.id: row for row in partition.rows()}
    spill.close()
    return Audited(partition.result(), rows)
