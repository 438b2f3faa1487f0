"""The life of one notification: `evolve` folds an event into the job; `conclusions` says what must happen next. Pure.

A job moves forward only, ranked by (dispatch, phase): an event that comes again, or late, changes
nothing, except `sent`, which wins whenever it comes. Conclusions are events of their own, so folding the log alone
gives the job that the deciding processor held, and a job that owes a conclusion shows it.

A redelivery begins a job that was final anew, with the next dispatch number and no failed attempts. From then on
nothing that is told of an earlier dispatch moves the job, not even `sent`: somebody wanted it sent once more.
"""

from datetime import datetime

import msgspec

from streams.events import (
    DEFAULT_TENANT,
    Accepted,
    Acknowledged,
    Body,
    Event,
    Failed,
    Held,
    Instant,
    Priority,
    Queued,
    RedeliveryRefused,
    RedeliveryRequested,
    Request,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    SendLost,
    Withheld,
    WithholdingReason,
)
from streams.rules.phase import Phase, Rank, outranks, rank

LOST = "no outcome came by the deadline"
SETTLED = "settled"
COUNTED = (RetryScheduled, Failed)
"""What tells how many attempts there were."""
REDELIVERIES_KEPT = 16
"""Of one job: what tells a redelivery that is asked twice."""


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
    return (*job.asked, SETTLED) if unsettled(job) else job.asked


def unasked(job: Job) -> Job:
    """The job as it would be if that had not been asked for."""
    request = None if job.final else job.request
    seen = job.acknowledged and not unsettled(job)
    return msgspec.structs.replace(job, asked=(), acknowledged=seen, request=request)


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
    if isinstance(body, COUNTED) and body.attempts > job.attempts:
        job = msgspec.structs.replace(job, attempts=body.attempts, error=body.error)
    old = job.rank
    if not outranks(new, old):
        return job if new.dispatch <= job.highest else msgspec.structs.replace(job, last=new.dispatch)
    if isinstance(body, Queued) and body.redelivery is not None:
        job = _anew(job, event, body.redelivery)
    dispatch, phase, hold, first = new.after(old)
    return msgspec.structs.replace(
        job,
        dispatch=dispatch,
        phase=phase,
        first=first,
        holds=hold,
        last=job.highest if job.highest > dispatch else 0,
        due=due_of(body),
        error=error_of(body) or job.error,
        request=None if phase >= Phase.FAILED else job.request,
        cause=event.id,
        changed=event.time,
        withheld=body.reason if isinstance(body, Withheld) else job.withheld,
    )


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


def unsettled(job: Job) -> bool:
    """Whether its recipient has seen it, and it does not count as sent."""
    return job.acknowledged and job.phase is not Phase.SENT


def due_of(body: Body) -> datetime | None:
    """When the wait ends that begins with this event, if one does."""
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


def error_of(body: Body) -> str | None:
    """Why it went wrong, if it did."""
    match body:
        case SendFailed(_, error) | Failed(_, _, error) | RetryScheduled(_, _, _, error):
            return error
        case SendLost():
            return LOST
        case _:
            return None
