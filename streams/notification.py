"""The life of one notification: `evolve` folds an event into the job, `conclude` says what must happen next.

Both are pure. A job moves forward only, ranked by (dispatch, phase): an event that comes again, or late, changes
nothing, except `sent`, which wins whenever it comes. Conclusions are events of their own, so folding the log alone
gives the job that the deciding processor held, and a job that owes a conclusion shows it by its phase.
"""

from datetime import datetime
from enum import IntEnum
from typing import Literal, assert_never

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
    Repeated,
    Request,
    Requested,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Suppressed,
    Withheld,
    WithholdingReason,
)
from streams.preferences import Preferences, held_until, refused
from streams.retry import Retry
from streams.topics import lane

SOURCE = "lifecycle"
LOST = "no outcome came by the deadline"

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


Rank = tuple[int, Phase, int]
"""(dispatch, phase, hold); the last one is 0 but for holds, which may follow each other."""

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
    """A notification on its way, as lifecycle's table keeps it. `request` goes once the job is final."""

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

    @property
    def final(self) -> bool:
        """Sent, failed or withheld: nothing is planned any more."""
        return self.phase >= Phase.FAILED


def owes(job: Job) -> bool:
    """Whether a conclusion about this job must come next on the log."""
    return job.phase in (Phase.ACCEPTED, Phase.BROKEN)


def rank(body: Body) -> Rank | None:  # noqa: C901 - one case an event, and closed
    """How far along a job is by this event; None for one that does not move a job."""
    match body:
        case Accepted():
            return 0, Phase.ACCEPTED, 0
        case Queued(dispatch):
            return dispatch, Phase.QUEUED, 0
        case Sending(dispatch):
            return dispatch, Phase.SENDING, 0
        case SendDeferred(dispatch):
            return dispatch, Phase.DEFERRED, 0
        case SendFailed(dispatch) | SendLost(dispatch):
            return dispatch, Phase.BROKEN, 0
        case RetryScheduled(dispatch):
            return dispatch, Phase.RETRY_SCHEDULED, 0
        case Held(hold, dispatch):
            return dispatch, Phase.HELD, hold
        case Failed(dispatch):
            return dispatch, Phase.FAILED, 0
        case Withheld(dispatch):
            return dispatch, Phase.WITHHELD, 0
        case Sent(dispatch):
            return dispatch, Phase.SENT, 0
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
            | Attempt()
        ):
            return None
        case _:
            assert_never(body)


def outranks(new: Rank, old: Rank) -> bool:
    """Whether a job at `old` moves to `new`: forward only; once final only to `sent`, after `sent` nowhere."""
    if old[1] >= Phase.FAILED or new[1] == Phase.SENT:
        return new[1] == Phase.SENT != old[1]
    return new > old


def evolve(job: Job | None, event: Event[Body]) -> Job | None:
    """The job after this event. Any repeated or late event leaves it as it is."""
    body = event.body
    if job is None:
        return _open(event, body) if isinstance(body, Accepted) else None
    if isinstance(body, RetryScheduled | Failed) and body.attempts > job.attempts:
        job = msgspec.structs.replace(job, attempts=body.attempts, error=body.error)
    new = rank(body)
    if new is None or not outranks(new, (job.dispatch, job.phase, job.holds)):
        return job
    dispatch, phase, hold = new
    return msgspec.structs.replace(
        job,
        dispatch=dispatch,
        phase=phase,
        due=_due(body),
        error=_error(body) or job.error,
        request=None if phase >= Phase.FAILED else job.request,
        cause=event.id,
        changed=event.time,
        holds=max(hold, job.holds),
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
    return queued.then(Attempt(job.dispatch, job.request), SOURCE)


def lane_of(job: Job) -> str:
    """The lane of a job's present dispatch: the first goes by the class, all others are retries."""
    return _lane(job, job.dispatch)


def came_due(job: Job, now: datetime) -> Event[CameDue]:
    """The command that is put on the log when what a job waits for is due, or overdue."""
    body = CameDue(job.dispatch, AWAITS[job.phase])
    return Event(body, job.notification, max(now, job.due or now), SOURCE, job.correlation, job.cause, job.tenant)


def _open(event: Event[Body], accepted: Accepted) -> Job:
    return Job(
        event.notification,
        event.correlation,
        accepted.priority,
        accepted.request.max_attempts,
        accepted.request,
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


def _lane(job: Job, dispatch: int) -> str:
    if job.request is None:
        msg = f"{job.notification} is final, it has no lane"
        raise ValueError(msg)
    return lane(job.request.channel, job.priority if dispatch == 1 else "retries")


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
