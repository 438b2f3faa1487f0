"""The life of one notification: `evolve` folds an event into the job, `conclude` says what must happen next.

Both are pure. A job moves forward only, ranked by (dispatch, phase): an event that comes again, or late, changes
nothing, except `sent`, which wins whenever it comes. Conclusions are events of their own, so folding the log alone
gives the job that the deciding processor held, and a job that owes a conclusion shows it.

A redelivery begins a job that was final anew, with the next dispatch number and no failed attempts. From then on
nothing that is told of an earlier dispatch moves the job, not even `sent`: somebody wanted it sent once more.
"""

from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple, assert_never

import msgspec

from streams.events import (
    DEFAULT_TENANT,
    Accepted,
    Acknowledged,
    Attempt,
    Body,
    CameDue,
    CoolOffLifted,
    Event,
    Fact,
    Failed,
    Held,
    Instant,
    Noted,
    Obligation,
    PolicySet,
    PreferencesSet,
    Priority,
    Queued,
    RedeliveryRefusal,
    RedeliveryRefused,
    RedeliveryRequested,
    Repeated,
    Request,
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
    WithholdingReason,
)
from streams.preferences import Preferences, held_until, refused
from streams.retry import Retry
from streams.topics import lane

SOURCE = "lifecycle"
LOST = "no outcome came by the deadline"
SETTLED = "settled"
REDELIVERIES_KEPT = 16
"""Of one job: what tells a redelivery that is asked twice."""

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
        return self._replace(hold=max(self.hold, old.hold), first=self.first or old.first)


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

AWAITS: dict[Phase, Obligation] = {
    Phase.QUEUED: "lane",
    Phase.SENDING: "deadline",
    Phase.DEFERRED: "deferral",
    Phase.RETRY_SCHEDULED: "retry",
    Phase.HELD: "hold",
}
"""What must come next in a phase that waits; all but `lane` have a due time, which the timers watch over."""


class Job(msgspec.Struct, frozen=True, omit_defaults=True, tag="job", gc=False):
    """A notification on its way, as lifecycle's table keeps it. `request` goes once the job is final.

    `first` is as in `Rank`; `last` the highest dispatch, where `sent` came late for an earlier one; `asked` names
    the redeliveries that are to be decided about, `redeliveries` those decided lately.
    """

    notification: str
    correlation: str
    priority: Priority
    max_attempts: int
    request: Request | None
    cause: str
    changed: Instant
    accepted: Instant
    dispatch: int = 0
    phase: Phase = Phase.ACCEPTED
    attempts: int = 0
    error: str | None = None
    due: Instant | None = None
    tenant: str = DEFAULT_TENANT
    holds: int = 0
    withheld: WithholdingReason | None = None
    acknowledged: bool = False
    first: int = 0
    last: int = 0
    asked: tuple[str, ...] = ()
    redeliveries: tuple[str, ...] = ()

    @property
    def final(self) -> bool:
        """Sent, failed or withheld: nothing is planned any more."""
        return self.phase >= Phase.FAILED

    @property
    def rank(self) -> Rank:
        """How far along it is."""
        return Rank(self.dispatch, self.phase, self.holds, self.first)

    @property
    def highest(self) -> int:
        """The highest dispatch there was."""
        return max(self.dispatch, self.last)


def owes(job: Job) -> bool:
    """Whether a conclusion about this job must come next on the log."""
    return job.phase in (Phase.ACCEPTED, Phase.BROKEN) or bool(owed_to_people(job))


def owed_to_people(job: Job) -> tuple[str, ...]:
    """What must come next whatever the phase: by name the redeliveries to be decided about, and `SETTLED`."""
    return (*job.asked, SETTLED) if _unsettled(job) else job.asked


def unasked(job: Job) -> Job:
    """The job as it would be if that had not been asked for."""
    request = None if job.final else job.request
    seen = job.acknowledged and not _unsettled(job)
    return msgspec.structs.replace(job, asked=(), acknowledged=seen, request=request)


def rank(body: Body) -> Rank | None:  # noqa: C901 - one case an event, and closed
    """How far along a job is by this event; None for one that does not move a job."""
    match body:
        case Accepted():
            return Rank(0, Phase.ACCEPTED)
        case Queued(dispatch, _, redelivery):
            return Rank(dispatch, Phase.QUEUED, first=0 if redelivery is None else dispatch)
        case Sending(dispatch):
            return Rank(dispatch, Phase.SENDING)
        case SendDeferred(dispatch):
            return Rank(dispatch, Phase.DEFERRED)
        case SendFailed(dispatch) | SendLost(dispatch):
            return Rank(dispatch, Phase.BROKEN)
        case RetryScheduled(dispatch):
            return Rank(dispatch, Phase.RETRY_SCHEDULED)
        case Held(hold, dispatch):
            return Rank(dispatch, Phase.HELD, hold)
        case Failed(dispatch):
            return Rank(dispatch, Phase.FAILED)
        case Withheld(dispatch):
            return Rank(dispatch, Phase.WITHHELD)
        case Sent(dispatch) | Settled(dispatch):
            return Rank(dispatch, Phase.SENT)
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


def evolve(job: Job | None, event: Event[Body]) -> Job | None:
    """The job after this event. Any repeated or late event leaves it as it is."""
    body = event.body
    if job is None:
        return _begin(event, body)
    match body:
        case Acknowledged():
            return job if job.acknowledged else msgspec.structs.replace(job, acknowledged=True)
        case RedeliveryRequested():
            return _asked(job, body)
        case RedeliveryRefused(redelivery):
            return _decided(job, redelivery)
        case _:
            return _moved(job, event, body)


def _moved(job: Job, event: Event[Body], body: Body) -> Job:
    new = rank(body)
    if new is None or new.dispatch < job.first:
        return job
    if isinstance(body, RetryScheduled | Failed) and body.attempts > job.attempts:
        job = msgspec.structs.replace(job, attempts=body.attempts, error=body.error)
    if not outranks(new, job.rank):
        return job if new.dispatch <= job.highest else msgspec.structs.replace(job, last=new.dispatch)
    if isinstance(body, Queued) and body.redelivery is not None:
        job = _anew(job, event, body.redelivery)
    dispatch, phase, hold, first = new.after(job.rank)
    return msgspec.structs.replace(
        job,
        dispatch=dispatch,
        phase=phase,
        first=first,
        holds=hold,
        last=job.highest if job.highest > dispatch else 0,
        due=_due(body),
        error=_error(body) or job.error,
        request=None if phase >= Phase.FAILED else job.request,
        cause=event.id,
        changed=event.time,
        withheld=body.reason if isinstance(body, Withheld) else job.withheld,
    )


def conclude(
    job: Job | None, event: Event[Body], retry: Retry, preferences: Preferences | None = None
) -> list[Event[Fact]]:
    """What must happen next to this job, which `event` has just been folded into. Its times come from the event.

    `preferences` are the recipient's: they are asked before each hand-over to a lane.
    """
    if job is None:
        return []
    if (answer := _answer(job, event, preferences)) is not None:
        return [answer]
    match job.phase, event.body:
        case Phase.ACCEPTED, _:
            return [_hand_over(job, event, preferences)]
        case Phase.BROKEN, _:
            return [_after_failure(job, event, retry)]
        case Phase.QUEUED, CameDue(dispatch, "lane") if dispatch == job.dispatch:
            # no `sending` lies before it, see `reconciler`: the lane record is lost
            return [_hand_over(job, event, preferences)]
        case _, CameDue(dispatch, obligation):
            if dispatch != job.dispatch or obligation != AWAITS.get(job.phase) or job.due is None:
                return []
            if event.time < job.due:
                return []
            if obligation == "deadline":
                lost = event.then(SendLost(dispatch), SOURCE)
                return [lost, _after_failure(job, lost, retry)]
            return [_hand_over(job, event, preferences)]
        case _:
            return []


def attempt(job: Job, queued: Event[Fact]) -> Event[Attempt]:
    """The lane record of a queued dispatch."""
    if job.request is None:
        msg = f"{job.notification} is final, there is nothing left to send"
        raise ValueError(msg)
    return queued.then(Attempt(job.dispatch, job.request, job.first), SOURCE)


def lane_of(job: Job) -> str:
    """The lane of a job's present dispatch: the first, also of a redelivery, goes by the class, others are retries."""
    return _lane(job, job.dispatch)


def came_due(job: Job, now: datetime) -> Event[CameDue]:
    """The command that is put on the log when what a job waits for is due, or overdue."""
    body = CameDue(job.dispatch, AWAITS[job.phase])
    return Event(body, job.notification, max(now, job.due or now), SOURCE, job.correlation, job.cause, job.tenant)


def _begin(event: Event[Body], body: Body) -> Job | None:
    """A job that was just accepted; or that was forgotten, of which a redelivery tells what must be known."""
    match body:
        case Accepted(request, priority):
            return _open(event, request, priority)
        case RedeliveryRequested():
            job = _open(event, body.request, body.priority)
            return _asked(
                msgspec.structs.replace(job, dispatch=body.dispatch, phase=Phase.SENT, holds=body.holds), body
            )
        case _:
            return None


def _open(event: Event[Body], request: Request, priority: Priority) -> Job:
    return Job(
        event.notification,
        event.correlation,
        priority,
        request.max_attempts,
        request,
        event.id,
        event.time,
        event.time,
        tenant=event.tenant,
    )


def _hand_over(job: Job, event: Event[Body], preferences: Preferences | None) -> Event[Fact]:
    """The next dispatch, unless the recipient does not want it at all, or not now."""
    if preferences is not None and job.request is not None:
        if (reason := refused(preferences, job.request)) is not None:
            return event.then(Withheld(job.dispatch, reason, preferences.id), SOURCE)
        if (until := held_until(preferences, job.priority, event.time)) is not None:
            return event.then(Held(job.holds + 1, job.dispatch, until, preferences.id), SOURCE)
    return event.then(Queued(job.dispatch + 1, _lane(job, job.dispatch + 1)), SOURCE)


def _asked(job: Job, body: RedeliveryRequested) -> Job:
    if body.redelivery in (*job.redeliveries, *job.asked):
        return job
    request = body.request if job.final else job.request
    last = body.dispatch if body.dispatch > job.highest else job.last
    return msgspec.structs.replace(job, asked=(*job.asked, body.redelivery), request=request, last=last)


def _decided(job: Job, redelivery: str) -> Job:
    if redelivery in job.redeliveries:
        return job
    decided = (*job.redeliveries, redelivery)[-REDELIVERIES_KEPT:]
    left = tuple(name for name in job.asked if name != redelivery)
    request = job.request if left or not job.final else None
    return msgspec.structs.replace(job, asked=left, redeliveries=decided, request=request)


def _anew(job: Job, event: Event[Body], redelivery: str) -> Job:
    request, job = job.request, _decided(job, redelivery)
    return msgspec.structs.replace(job, request=request, attempts=0, accepted=event.time)


def _answer(job: Job, event: Event[Body], preferences: Preferences | None) -> Event[Fact] | None:
    """What is owed to people: that it has arrived, or what becomes of the redelivery they asked for."""
    if _unsettled(job):
        return event.then(Settled(job.dispatch), SOURCE)
    return _redeliver(job, event, job.asked[-1], preferences) if job.asked else None


def _redeliver(job: Job, event: Event[Body], redelivery: str, preferences: Preferences | None) -> Event[Fact]:
    if (reason := _refusal(job, event, preferences)) is not None:
        return event.then(RedeliveryRefused(redelivery, reason, STATUS[job.phase]), SOURCE)
    dispatch = job.highest + 1
    assert job.request is not None
    return event.then(Queued(dispatch, lane(job.request.channel, job.priority), redelivery), SOURCE)


def _refusal(job: Job, event: Event[Body], preferences: Preferences | None) -> RedeliveryRefusal | None:
    if job.acknowledged:
        return "acknowledged"
    if not job.final:
        return "under-way"
    if job.phase is Phase.WITHHELD:
        return "withheld"
    if preferences is None or job.request is None:
        return None
    if (reason := refused(preferences, job.request)) is not None:
        return reason
    return "quiet-hours" if held_until(preferences, job.priority, event.time) is not None else None


def _unsettled(job: Job) -> bool:
    """Whether its recipient has seen it, and it does not count as sent."""
    return job.acknowledged and job.phase is not Phase.SENT


def _lane(job: Job, dispatch: int) -> str:
    if job.request is None:
        msg = f"{job.notification} is final, it has no lane"
        raise ValueError(msg)
    return lane(job.request.channel, job.priority if dispatch == (job.first or 1) else "retries")


def _after_failure(job: Job, event: Event[Body], retry: Retry) -> Event[Fact]:
    attempts, error = job.attempts + 1, _error(event.body) or job.error or LOST
    if attempts >= job.max_attempts:
        return event.then(Failed(job.dispatch, attempts, error), SOURCE)
    not_before = event.time + retry.delay(attempts)
    return event.then(RetryScheduled(job.dispatch, not_before, attempts, error), SOURCE)


def _due(body: Body) -> datetime | None:
    match body:
        case Sending(_, deadline):
            return deadline
        case SendDeferred(_, until):
            return until
        case Held(_, _, until):
            return until
        case RetryScheduled(_, not_before):
            return not_before
        case _:
            return None


def _error(body: Body) -> str | None:
    match body:
        case SendFailed(_, error) | Failed(_, _, error) | RetryScheduled(_, _, _, error):
            return error
        case SendLost():
            return LOST
        case _:
            return None
