"""What a system held while the load was on, without its start and without the tail of retries after it. Pure."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.bench.measure import Stories

WARM_UP = timedelta(seconds=5)
"""After the first request; a load of less than twice that has warmed up after half of it."""
PARTS = 3
"""Of the window, at whose ends it is told how many wait."""
HELD = 0.99
"""Of the number of requests of the window, what must have ended in it; with less a pile grows."""


@dataclass(frozen=True, slots=True)
class Steady:
    """From `began` to `ended`: requests, notifications that ended, those of them that were sent, events put on the log.

    `open` are notifications that had been asked for, had not ended, and did not wait for the time of a retry, at the
    window's beginning, in between, and at its end.
    """

    began: datetime
    ended: datetime
    requests: int
    final: int
    sent: int
    events: int
    open: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.ended - self.began).total_seconds()

    @property
    def share(self) -> float:
        """Notifications that ended, as a share of those that were asked for meanwhile."""
        return self.final / self.requests if self.requests else 0.0

    @property
    def held(self) -> bool:
        """Whether about as many ended as were asked for."""
        return self.share >= HELD


def steady(stories: Stories) -> Steady | None:
    """From the end of the warm-up to the last request that was accepted; None if all came in one moment.

    Trap: requests that wait in RabbitMQ count as open from their own time on, not from when the log has them.
    """
    if not stories.accepted:
        return None
    first, last = min(stories.accepted.values()), max(stories.accepted.values())
    began = first + min(WARM_UP, (last - first) / 2)
    if began == last:
        return None
    times = [began + (last - began) * part / PARTS for part in range(PARTS + 1)]
    requests = _until(times, stories.accepted.values())
    final = _until(times, (stories.failed | stories.sent).values())
    waits = _until(times, (since for since, _ in stories.waits))
    over = _until(times, (until for _, until in stories.waits))
    return Steady(
        began,
        last,
        _between(requests),
        _between(final),
        _between(_until(times, stories.sent.values())),
        _between(_until(times, stories.written)),
        tuple(
            asked - ended - (wait - due) for asked, ended, wait, due in zip(requests, final, waits, over, strict=True)
        ),
    )


def _until(times: Iterable[datetime], happened: Iterable[datetime]) -> list[int]:
    """How many had happened at each of these times."""
    ordered = sorted(happened)
    return [bisect_right(ordered, time) for time in times]


def _between(counts: list[int]) -> int:
    return counts[-1] - counts[0]
