"""Depths of the backlog in, whether to take more and when to come again out. Pure: it is told the time.

Hysteresis keeps it from flapping: it refuses from the limit on, and takes again below nine tenths of it.
"""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

REOPENS_AT = 0.9
"""Of the limit."""
WINDOW = 10.0
"""Seconds over which the rate of draining is taken."""
ENOUGH = 3.0
"""Seconds after which it can be told."""
UNKNOWN = 10
"""The `Retry-After` until then, in seconds."""
LONGEST = 60
"""The `Retry-After` while nothing drains, in seconds."""


class Sample(NamedTuple):
    """How many notifications were waiting; the time in seconds, of any clock that only goes forward."""

    at: float
    depth: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """Where the backlog stands. `since` are the last seconds' samples, oldest first, of the time of refusing only."""

    limit: int
    since: tuple[Sample, ...] = ()

    @property
    def refusing(self) -> bool:
        """Whether notifications are refused for now."""
        return bool(self.since)

    @property
    def reopens_at(self) -> float:
        """The depth below which notifications are taken again."""
        return self.limit * REOPENS_AT

    def after(self, sample: Sample) -> "Pressure":
        """With another sample."""
        if sample.depth < (self.reopens_at if self.refusing else self.limit):
            return Pressure(self.limit)
        recent = tuple(old for old in self.since if sample.at - old.at <= WINDOW)
        return Pressure(self.limit, (*recent, sample))

    def retry_after(self) -> int:
        """Whole seconds, 1 to 60, until it is likely to have drained. Only to be asked while refusing."""
        first, last = self.since[0], self.since[-1]
        elapsed, drained = last.at - first.at, first.depth - last.depth
        if elapsed < ENOUGH:
            return UNKNOWN
        if drained <= 0:
            return LONGEST
        return min(max(ceil((last.depth - self.reopens_at) * elapsed / drained), 1), LONGEST)
