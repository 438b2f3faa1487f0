"""What a processor counts, for a /metrics endpoint to read."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from streams.events import Obligation


@dataclass
class Counts:
    """The numbers only grow; the mappings are by partition and show the present."""

    events: int = 0
    batches: int = 0
    dead_letters: int = 0
    stale: int = 0
    """Fetched before a rebalance and skipped: they come again."""
    repeated: int = 0
    """Below the start, or delivered twice."""
    guarded: int = 0
    """Skipped by their key's `at`: applied before a crash."""
    forgotten: int = 0
    lost: int = 0
    """Removed by retention before they were folded, and accepted as lost."""
    loaded: int = 0
    """Records read before there is anything to fold: of changelogs, and of the log before a first start."""
    stragglers: int = 0
    """Rows in changelogs that a zombie wrote late."""
    own: frozenset[int] = frozenset()
    """The partitions of the source that this process folds, or gets ready for."""
    lag: dict[int, int] = field(default_factory=dict)
    """Records on the source that are not folded yet, by the broker's end of a few seconds ago at most."""
    watermark: dict[int, datetime] = field(default_factory=dict)
    """The newest event time folded."""
    published: Counter[str] = field(default_factory=Counter)
    """What was written to the log, by kind of event; a crash makes some of it come twice."""
    kept_back: Counter[str] = field(default_factory=Counter)
    """What was not to go out, or not yet, by reason; a crash makes some count twice."""
    late: dict[Obligation, int] = field(default_factory=lambda: dict.fromkeys(get_args(Obligation), 0))
    """Jobs that waited in vain and were helped on: zero in a healthy system."""
    open_jobs: int = 0
    """Not final yet, as of the last look through the table, seconds ago."""
    oldest_open: datetime | None = None
    """When the oldest of them was accepted."""
