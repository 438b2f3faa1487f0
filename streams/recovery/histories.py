"""Outcomes on the log in, the rows of admit's table out: what was decided lately, in the order of the requests. Pure.

Outcomes lie by recipient, histories by actor: they are gathered from the whole log, those that no rule can ask for any
more left out, and folded in the order of their origins. Admit goes on where it had committed. If that is unknown too,
it goes on at the first request of which no outcome is found near the end: a crash may have left some of a batch
unwritten, and whatever is judged again though it has an outcome is guarded by its row.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from aiokafka import ConsumerRecord

from streams.admission import History, Limits, Seen, about, expires, remember
from streams.clock import from_milliseconds
from streams.codec import Undecodable, decode
from streams.events import Accepted, Origin, Repeated, Suppressed
from streams.folding.table import Rows
from streams.record import Record

NEAR = 5000
"""Requests of a partition, more than a batch of admit holds."""
TIDY_EVERY = 100_000
"""Outcomes."""


class Decided(NamedTuple):
    """What matters of an outcome, sorted by its origin."""

    offset: int
    key: bytes
    seen: Seen
    accepted: bool


class Partition:
    """The outcomes of the requests of one partition of `notification-requests`."""

    def __init__(self, committed: int | None) -> None:
        self.highest = -1
        self.committed = committed
        self.decided: list[Decided] = []
        self._covered: set[int] = set()

    def cover(self, offset: int) -> None:
        """There is an outcome for this request."""
        self.highest = max(self.highest, offset)
        self._covered.add(offset)
        if len(self._covered) > 2 * NEAR:
            self._covered = {known for known in self._covered if known > self.highest - NEAR}

    def applied(self) -> int:
        """Where admit has to go on."""
        if self.committed is not None:
            return self.committed
        near = range(max(self.highest - NEAR + 1, 0), self.highest + 1)
        return next((offset for offset in near if offset not in self._covered), self.highest + 1)

    def guards(self, offset: int) -> bool:
        """Whether admit may read this request again."""
        return offset >= (self.highest - NEAR if self.committed is None else self.committed)


class Histories:
    """All partitions; `committed` is what admit had committed, by partition, where that is known."""

    def __init__(self, rows: Rows[History], limits: Limits, committed: dict[int, int], partitions: int) -> None:
        self._outcomes = 0
        self.partitions = {number: Partition(committed.get(number)) for number in range(partitions)}
        self._rows, self._limits = rows, limits
        self._horizon = max(limits.id_horizon, limits.dedupe_window, limits.rate_window)
        self._watermark: datetime | None = None

    def add(self, record: ConsumerRecord) -> None:
        """Take in the next record of the log. Raises `UnknownType`."""
        try:
            event = decode(record.value)
        except Undecodable:  # nothing that admit has written; those who read the log put it aside
            return
        match event.body:
            case Accepted(request, _, origin) | Suppressed(request, _, origin):
                accepted = isinstance(event.body, Accepted)
                seen = Seen(event.notification, event.time, about(request) if accepted else None)
                key = (request.personal.actor or event.notification).encode()
                time = min(event.time, from_milliseconds(record.timestamp))
                self._watermark = max(self._watermark or time, time)
                self._of(origin).decided.append(Decided(origin.offset, key, seen, accepted))
            case Repeated(origin):
                self._of(origin)
            case _:
                return
        self._outcomes += 1
        if self._outcomes % TIDY_EVERY == 0:
            self._tidy()

    def rows(self, number: int) -> Iterator[Record]:
        """The table of one partition."""
        self._tidy()
        partition, histories = self.partitions[number], dict[bytes, tuple[History, int]]()
        for offset, key, seen, accepted in sorted(partition.decided, key=lambda one: one.offset):
            known, at = histories.get(key, (None, -1))
            if offset > at:
                histories[key] = remember(known, seen, self._limits, accepted=accepted), offset
        for key, (history, at) in histories.items():
            if self._is_recent(expires(history, self._limits)) or partition.guards(at):
                yield self._rows.row(number, key, self._rows.entry(history, at, b""))

    def _of(self, origin: Origin) -> Partition:
        partition = self.partitions[origin.partition]
        partition.cover(origin.offset)
        return partition

    def _tidy(self) -> None:
        for partition in self.partitions.values():
            partition.decided = [
                one
                for one in partition.decided
                if self._is_recent(one.seen.at + self._horizon) or partition.guards(one.offset)
            ]

    def _is_recent(self, expires: datetime) -> bool:
        return self._watermark is not None and expires > self._watermark
