"""What a processor counts, for a /metrics endpoint to read."""

from dataclasses import dataclass, field
from datetime import datetime


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
    """Rows read from changelogs."""
    stragglers: int = 0
    """Rows in changelogs that a zombie wrote late."""
    applied: dict[int, int] = field(default_factory=dict)
    """The source offset up to which (exclusive) events are folded, their state kept."""
    lag: dict[int, int] = field(default_factory=dict)
    """Records on the source that are not folded yet."""
    watermark: dict[int, datetime] = field(default_factory=dict)
    """The newest event time folded."""
