"""What an audit came to: plain data, and its JSON."""

from dataclasses import dataclass, field
from typing import Any

from projections.audit.finding import Findings


@dataclass(slots=True)
class Report:
    """Clean if nothing was found.

    `digests` are of the log and of what the read models should hold, `stored` of what they do hold (missing where it
    was not looked at); `memory` is the peak in bytes, of all processes together.
    """

    findings: Findings
    counts: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    events_per_second: float = 0.0
    memory: int = 0

    @property
    def clean(self) -> bool:
        """Whether all that must hold does."""
        return not self.findings.counts

    def to_json(self) -> dict[str, Any]:
        """As `./tidings audit --json` prints it."""
        return {
            "clean": self.clean,
            "findings": [{"kind": one.kind, "id": one.id, "detail": one.detail} for one in self.findings],
            "found": dict(self.findings.counts),
            "counts": self.counts,
            "digests": self.digests,
            "stored": self.stored,
            "seconds": round(self.seconds, 3),
            "eventsPerSecond": round(self.events_per_second),
            "memory": self.memory,
        }
