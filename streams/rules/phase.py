"""How far along a notification is: its phases, their order, and what it waits for in each. Pure."""

from enum import IntEnum
from typing import Any, Literal, NamedTuple, assert_never

from streams.events import (
    Accepted,
    Acknowledged,
    Attempt,
    Body,
    CameDue,
    CoolOffLifted,
    Failed,
    Held,
    Noted,
    Obligation,
    PolicySet,
    PreferencesSet,
    Queued,
    RedeliveryRefused,
    RedeliveryRequested,
    Repeated,
    Requested,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Settled,
    Suppressed,
    Withheld,
)

Status = Literal["pending", "queued", "sending", "sent", "failed", "retrying", "suppressed"]


class Phase(IntEnum):
    """Where a dispatch stands; a later phase outranks an earlier one of the same dispatch."""

    ACCEPTED = 0
    QUEUED = 1
    SENDING = 2
    DEFERRED = 3
    BROKEN = 4  # refused by the provider, or lost: lifecycle owes a conclusion
    RETRY_SCHEDULED = 5
    HELD = 6
    FAILED = 7
    WITHHELD = 8
    SENT = 9


class Rank(NamedTuple):
    """How far along a job is.

    `hold` is 0 but for holds, which may follow each other; `first` is the dispatch with which the redelivery began, 0
    for none or not known.
    """

    dispatch: int
    phase: Phase
    hold: int = 0
    first: int = 0

    def after(self, old: "Rank") -> "Rank":
        """Where a job at `old` is that moved here."""
        return Rank(self.dispatch, self.phase, max(self.hold, old.hold), self.first or old.first)


STATUS: dict[Phase, Status] = {
    Phase.ACCEPTED: "pending",
    Phase.QUEUED: "queued",
    Phase.SENDING: "sending",
    Phase.DEFERRED: "queued",
    Phase.BROKEN: "sending",
    Phase.RETRY_SCHEDULED: "retrying",
    Phase.HELD: "pending",
    Phase.FAILED: "failed",
    Phase.WITHHELD: "suppressed",
    Phase.SENT: "sent",
}
"""The reference's words."""


PHASES: dict[type[Any], Phase] = {
    Accepted: Phase.ACCEPTED,
    Queued: Phase.QUEUED,
    Sending: Phase.SENDING,
    SendDeferred: Phase.DEFERRED,
    SendFailed: Phase.BROKEN,
    SendLost: Phase.BROKEN,
    RetryScheduled: Phase.RETRY_SCHEDULED,
    Held: Phase.HELD,
    Failed: Phase.FAILED,
    Withheld: Phase.WITHHELD,
    Sent: Phase.SENT,
    Settled: Phase.SENT,
}
"""To which phase an event takes a notification; the events that are missing take it nowhere."""


AWAITS: dict[Phase, Obligation] = {
    Phase.QUEUED: "lane",
    Phase.SENDING: "deadline",
    Phase.DEFERRED: "deferral",
    Phase.RETRY_SCHEDULED: "retry",
    Phase.HELD: "hold",
}
"""What must come next in a phase that waits; all but `lane` have a due time, which the timers watch over."""


def rank(body: Body) -> Rank | None:
    """How far along a job is by this event; None for one that does not move a job."""
    match body:
        case Queued(dispatch, _, redelivery):
            return Rank(dispatch, PHASES[Queued], 0, 0 if redelivery is None else dispatch)
        case (  # the most frequent ones first
            Sending(dispatch)
            | Sent(dispatch)
            | SendFailed(dispatch)
            | RetryScheduled(dispatch)
            | SendDeferred(dispatch)
            | SendLost(dispatch)
            | Failed(dispatch)
            | Withheld(dispatch)
            | Settled(dispatch)
        ):
            return Rank(dispatch, PHASES[type(body)])
        case Accepted():
            return Rank(0, PHASES[Accepted])
        case Held(hold, dispatch):
            return Rank(dispatch, PHASES[Held], hold)
        case (
            Requested()
            | PolicySet()
            | CoolOffLifted()
            | PreferencesSet()
            | Suppressed()
            | Repeated()
            | Noted()
            | CameDue()
            | Acknowledged()
            | RedeliveryRequested()
            | RedeliveryRefused()
            | Attempt()
        ):
            return None
        case _:
            assert_never(body)


def outranks(new: Rank, old: Rank) -> bool:
    """Whether a job at `old` moves to `new`: forward only; once final only `sent` counts, after `sent` nothing.

    But a redelivery begins whatever the end was, and what came before it counts for nothing then.
    """
    if new.first:
        return new.dispatch > old.dispatch
    if new.dispatch < old.first:
        return False
    if old.phase >= Phase.FAILED or new.phase == Phase.SENT:
        return new.phase == Phase.SENT != old.phase
    return new[:3] > old[:3]
