"""What must happen next to a notification: lifecycle's conclusions, and the commands it puts on lanes and timers. Pure.

All times come from the event that is concluded from, so that whoever concludes again says the same.
"""

from datetime import datetime

from streams.events import (
    Attempt,
    Body,
    CameDue,
    Event,
    Fact,
    Failed,
    Held,
    Queued,
    RedeliveryRefusal,
    RedeliveryRefused,
    RetryScheduled,
    SendLost,
    Settled,
    Withheld,
)
from streams.rules.notification import LOST, Job, error_of, unsettled
from streams.rules.phase import AWAITS, STATUS, Phase
from streams.rules.preferences import Preferences, held_until, refused
from streams.rules.retry import Retry
from streams.topics import lane

SOURCE = "lifecycle"


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
            # no `sending` lies before it, see `overdue`: the lane record is lost
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
    body = CameDue(job.dispatch, AWAITS[job.phase], job.holds if job.phase is Phase.HELD else 0)
    return Event(body, job.notification, max(now, job.due or now), SOURCE, job.correlation, job.cause, job.tenant)


def _hand_over(job: Job, event: Event[Body], preferences: Preferences | None) -> Event[Fact]:
    """The next dispatch, unless the recipient does not want it at all, or not now."""
    if preferences is not None and job.request is not None:
        if (reason := refused(preferences, job.request)) is not None:
            return event.then(Withheld(job.dispatch, reason, preferences.id), SOURCE)
        if (until := held_until(preferences, job.priority, event.time)) is not None:
            return event.then(Held(job.holds + 1, job.dispatch, until, preferences.id), SOURCE)
    return event.then(Queued(job.dispatch + 1, _lane(job, job.dispatch + 1)), SOURCE)


def _answer(job: Job, event: Event[Body], preferences: Preferences | None) -> Event[Fact] | None:
    """What is owed to people: that it has arrived, or what becomes of the redelivery they asked for."""
    if unsettled(job):
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


def _lane(job: Job, dispatch: int) -> str:
    if job.request is None:
        msg = f"{job.notification} is final, it has no lane"
        raise ValueError(msg)
    return lane(job.request.channel, job.priority if dispatch == (job.first or 1) else "retries")


def _after_failure(job: Job, event: Event[Body], retry: Retry) -> Event[Fact]:
    attempts, error = job.attempts + 1, error_of(event.body) or job.error or LOST
    if attempts >= job.max_attempts:
        return event.then(Failed(job.dispatch, attempts, error), SOURCE)
    not_before = event.time + retry.delay(attempts)
    return event.then(RetryScheduled(job.dispatch, not_before, attempts, error), SOURCE)
