"""What a what-if says: three sides, as recorded, as recomputed and by other settings, and how far to believe it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from projections.whatif.recorded import Recorded
from projections.whatif.shadow import Outcome

LABEL = "an estimate from the record; nothing was sent"
ENDS = ("sent", "failed", "withheld", "open", "duplicate", "rate-limited", "cooled-off")
SHARES = (0.5, 0.95, 0.99)
DIGITS = 1000
"""Latencies are kept to three digits, so that there are some thousands of different ones however long the log is."""


@dataclass(slots=True)
class Latencies:
    """Milliseconds from the request to the provider's yes."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, milliseconds: int) -> None:
        """One more; half a percent off at most."""
        scale = 1
        while milliseconds >= DIGITS * scale:
            scale *= 10
        self.counts[round(milliseconds / scale) * scale] += 1

    def percentiles(self) -> list[int | None]:
        """The smallest that at least such shares of all don't exceed."""
        total, found, seen = self.counts.total(), [], 0
        ordered = iter(sorted(self.counts.items()))
        value: int | None = None
        for share in SHARES:
            while seen < share * total:
                value, count = next(ordered)
                seen += count
            found.append(value)
        return found


@dataclass(slots=True)
class Side:
    """One column of the report."""

    ends: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    failures: int = 0
    assumed: int = 0
    resting: int = 0
    """Notifications whose outcome rests on an assumption."""
    latencies: Latencies = field(default_factory=Latencies)

    def add(self, outcome: Outcome) -> None:
        """One more request."""
        self.ends[outcome.end] += 1
        self.calls += outcome.calls
        self.failures += outcome.failures
        self.assumed += outcome.assumed
        self.resting += outcome.assumed > 0
        if outcome.took is not None:
            self.latencies.add(max(outcome.took, 0))

    def to_json(self) -> dict[str, Any]:
        """By names as in the other reports."""
        p50, p95, p99 = self.latencies.percentiles()
        suppressed = {reason: self.ends[reason] for reason in ENDS[4:]}
        return {
            "requests": self.ends.total(),
            "accepted": sum(self.ends[end] for end in ENDS[:4]),
            "suppressed": suppressed,
            **{end: self.ends[end] for end in ENDS[:4]},
            "calls": self.calls,
            "failedAttempts": self.failures,
            "latencyMs": {"p50": p50, "p95": p95, "p99": p99},
            "assumedCalls": self.assumed,
            "restOnAssumptions": self.resting,
        }


@dataclass(slots=True)
class Report:
    """All that was found. `wrong` and `changed` count notifications by their two ends, where these differ."""

    recorded: Side = field(default_factory=Side)
    recomputed: Side = field(default_factory=Side)
    tried: Side = field(default_factory=Side)
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Recorded, recomputed: the model's own error."""
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Recomputed, with the other settings."""
    events: int = 0
    unread: int = 0
    """Records of the log that are no event this program knows."""
    failure_rates: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, recorded: Recorded, recomputed: Outcome, tried: Outcome) -> None:
        """One request, as all three sides have it."""
        was = as_recorded(recorded)
        self.recorded.add(was)
        self.recomputed.add(recomputed)
        self.tried.add(tried)
        if was.end != recomputed.end:
            self.wrong[was.end, recomputed.end] += 1
        if recomputed.end != tried.end:
            self.changed[recomputed.end, tried.end] += 1

    @property
    def error(self) -> float:
        """The share of notifications that the model takes elsewhere with the settings as they are."""
        return self.wrong.total() / (self.recorded.ends.total() or 1)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "label": LABEL,
            "sides": {
                "recorded": self.recorded.to_json(),
                "recomputed": self.recomputed.to_json(),
                "new": self.tried.to_json(),
            },
            "changed": _pairs(self.changed),
            "modelError": {"share": self.error, "notifications": self.wrong.total(), "by": _pairs(self.wrong)},
            "failureRates": self.failure_rates,
            "events": self.events,
            "unread": self.unread,
            "seconds": round(self.seconds, 3),
        }


def as_recorded(recorded: Recorded) -> Outcome:
    """What the record itself says."""
    calls = sum(call.sending is not None for call in recorded.calls)
    failures = recorded.job.attempts if recorded.job is not None else 0
    took = None if recorded.sent is None else recorded.sent - recorded.time
    return Outcome(recorded.end, calls, failures, took)


def _pairs(counts: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"from": was, "to": now, "notifications": count} for (was, now), count in counts.most_common()]
