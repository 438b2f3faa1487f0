"""Outcomes on the log in, the rows of admit's table out: what was decided lately, in the order of the requests. Pure.

Outcomes lie by recipient, histories by actor: they are gathered from the whole log, those that no rule can ask for any
more left out, and folded in the order of their origins. Admit goes on where it had committed. If that is unknown too,
it goes on at the first request of which no outcome is found near the end: a crash may have left some of a batch
unwritten, and whatever is judged again though it has an outcome is guarded by its row.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from aiokafka import ConsumerRecord

from streams.admit import State
from streams.clock import from_milliseconds
from streams.codec import Undecodable, decode
from streams.events import (
    Accepted,
    Body,
    Event,
    Noted,
    Origin,
    Repeated,
    Request,
    Suppressed,
    SuppressionReason,
)
from streams.folding.table import Rows
from streams.record import Record
from streams.rules.admission import History, Limits, Seen, about, expires, lifted, remember
from streams.rules.policies import Policy, evolve, overlaid
from streams.rules.policies import key as policy_key

NEAR = 5000
"""Requests of a partition, more than a batch of admit holds."""
TIDY_EVERY = 100_000
"""Outcomes."""


class Decided(NamedTuple):
    """What matters of an outcome, sorted by its origin; `refused` is why, `policies` are those it was judged by."""

    offset: int
    key: bytes
    seen: Seen
    refused: SuppressionReason | None
    policies: tuple[str, ...]


class Control(NamedTuple):
    """What was noted, and where it stood among the requests."""

    offset: int
    event: Event[Noted]


class Partition:
    """The outcomes of the requests of one partition of `notification-requests`."""

    def __init__(self, committed: int | None) -> None:
        self.highest = -1
        self.committed = committed
        self.decided: list[Decided] = []
        self.controls: dict[int, Control] = {}
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

    def __init__(self, rows: Rows[State], limits: Limits, committed: dict[int, int], partitions: int) -> None:
        self._outcomes = 0
        self.partitions = {number: Partition(committed.get(number)) for number in range(partitions)}
        self._rows, self._limits = rows, limits
        self._watermark: datetime | None = None

    def add(self, record: ConsumerRecord) -> None:
        """Take in the next record of the log. Raises `UnknownType`."""
        try:
            event = decode(record.value)
        except Undecodable:  # nothing that admit has written; those who read the log put it aside
            return
        match event.body:
            case Accepted(request, _, origin) | Suppressed(request, _, origin):
                self._decide(record, event, request, origin)
            case Noted(origin):
                self._of(origin).controls[origin.offset] = Control(origin.offset, cast("Event[Noted]", event))
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
        partition = self.partitions[number]
        table = Table(self._limits)
        happened: list[Decided | Control] = [*partition.decided, *partition.controls.values()]
        for one in sorted(happened, key=lambda one: one.offset):
            table.take(one)
        for key, (state, at) in table.states.items():
            end = expires(state) if isinstance(state, History) else None
            if end is None or self._is_recent(end) or partition.guards(at):
                yield self._rows.row(number, key, self._rows.entry(state, at, b""))

    def _decide(self, record: ConsumerRecord, event: Event[Body], request: Request, origin: Origin) -> None:
        body = event.body
        assert isinstance(body, Accepted | Suppressed)
        refused = body.reason if isinstance(body, Suppressed) else None
        seen = Seen(event.notification, event.time, about(request) if refused is None else None)
        key = (request.personal.actor or event.notification).encode()
        time = min(event.time, from_milliseconds(record.timestamp))
        self._watermark = max(self._watermark or time, time)
        self._of(origin).decided.append(Decided(origin.offset, key, seen, refused, body.policies))

    def _of(self, origin: Origin) -> Partition:
        partition = self.partitions[origin.partition]
        partition.cover(origin.offset)
        return partition

    def _tidy(self) -> None:
        for partition in self.partitions.values():
            partition.decided = [
                one
                for one in partition.decided
                if self._is_recent(one.seen.at + self._horizon(one)) or partition.guards(one.offset)
            ]

    def _is_recent(self, expires: datetime) -> bool:
        return self._watermark is not None and expires > self._watermark

    def _horizon(self, decided: Decided) -> timedelta:
        """Policies may make rules ask for longer: then all is kept that was judged by one."""
        return self._limits.horizon if not decided.policies else timedelta.max / 2


class Table:
    """What admit held in one partition after these, taken in order."""

    def __init__(self, limits: Limits) -> None:
        self.states: dict[bytes, tuple[State, int]] = {}
        self._limits = limits
        self._policies: dict[str, Policy] = {}

    def take(self, one: Decided | Control) -> None:
        """The next one; what comes again changes nothing."""
        key = one.key if isinstance(one, Decided) else _key(one.event)
        state, at = self.states.get(key, (None, -1))
        if one.offset > at:
            after = self._decided(state, one) if isinstance(one, Decided) else self._noted(state, one.event)
            self.states[key] = after, one.offset

    def _decided(self, state: State | None, one: Decided) -> State:
        limits = overlaid(self._limits, [self._policies[name] for name in one.policies if name in self._policies])
        return remember(cast("History | None", state), one.seen, limits, one.refused)

    def _noted(self, state: State | None, event: Event[Noted]) -> State:
        if event.body.policy is None:
            return lifted(cast("History | None", state), event.time, self._limits)
        policy = evolve(cast("Policy | None", state), event.causation or "", event.body.policy)
        self._policies[policy.id] = policy
        return policy


def _key(event: Event[Noted]) -> bytes:
    if event.body.policy is not None:
        return policy_key(event.body.policy.scope, event.body.policy.about)
    assert event.body.lifted is not None
    return event.body.lifted.actor.encode()
