"""Looks at some work go in, whether it moves comes out; pure, so that whoever looks brings the time.

Alive is not enough: a consumer may keep its membership and its heartbeats, and never read again. So work counts as
stalled when there was something to do, nothing hindered it, and its position stayed where it was.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

LONGEST_STEP = 5.0
"""Seconds between two looks that count, at most. Trap: a process that was stopped and goes on, or a laptop that slept,
sees the clock jump, and had no chance to move meanwhile."""
SAMPLES = 256
"""Remembered ends of a partition; when there are more, every other one goes."""


class Look(NamedTuple):
    """The work as it was seen once."""

    position: Hashable
    """Whatever changes when work is done."""
    todo: int
    """How much waits."""
    hindered: str = ""
    """Why it rightly does not move: a server is away, a breaker is open."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the looks so far amount to; begins with the first one, at `seen` (monotonic seconds)."""

    look: Look
    seen: float
    stalled: float = 0.0
    """Seconds for which there was something to do, nothing in its way, and no movement."""

    def after(self, look: Look, now: float) -> "Progress":
        """With one more look."""
        if look.position != self.look.position or look.todo <= 0:
            return Progress(look, now)
        passed = 0.0 if look.hindered else min(max(now - self.seen, 0.0), LONGEST_STEP)
        return Progress(look, now, self.stalled + passed)

    def __str__(self) -> str:
        if self.look.hindered:
            return f"{self.look.todo} to do, waits: {self.look.hindered}"
        return (
            f"{self.look.todo} to do, nothing moved for {self.stalled:.0f} s" if self.look.todo > 0 else "nothing to do"
        )


@dataclass(slots=True)
class Arrivals:
    """When the end of a partition was seen where: so lag in records becomes lag in seconds, as far as we looked."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    def add(self, now: float, end: int, position: int) -> None:
        """The partition's end now, and up to where it has been read."""
        if not self.samples or end > self.samples[-1][1]:
            self.samples.append((now, end))
        while self.samples and self.samples[0][1] <= position:
            del self.samples[0]
        if len(self.samples) > SAMPLES:
            del self.samples[1::2]

    def waiting(self, now: float) -> float:
        """For how many seconds the oldest unread record has been waiting, at least."""
        return now - self.samples[0][0] if self.samples else 0.0
