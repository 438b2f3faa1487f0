"""Jobs at each place of their lives, folded from the events that lead there."""

from datetime import UTC, datetime, timedelta

from streams.events import (
    Accepted,
    Body,
    Event,
    Held,
    Origin,
    Personal,
    Request,
    SendDeferred,
    SendFailed,
    Sending,
    Sent,
)
from streams.rules.conclusions import conclude
from streams.rules.notification import Job, evolve
from streams.rules.overdue import Patience
from tests.support.numbers import RETRY

START = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = Patience(timedelta(seconds=60), timedelta(seconds=10))
ACCEPTED = Accepted(Request("email", "key", 5, Personal("ada@example.org", "hello")), "promotional", Origin(0, 0))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(body: Body, seconds: float = 0) -> Event[Body]:
    return Event(body, "n", at(seconds), "test", "n")


def job_after(*happened: Event[Body]) -> Job:
    job = None
    for one in happened:
        job = evolve(job, one)
        for conclusion in conclude(job, one, RETRY):
            job = evolve(job, conclusion)
    assert job is not None
    return job


def held(hold: int, until: float) -> Job:
    job = evolve(evolve(None, event(ACCEPTED)), event(Held(hold, 0, at(until), "p")))
    assert job is not None
    return job


QUEUED = job_after(event(ACCEPTED))
SENDING = job_after(event(ACCEPTED), event(Sending(1, at(15), "w"), 1))
RETRYING = job_after(event(ACCEPTED), event(Sending(1, at(15), "w"), 1), event(SendFailed(1, "no"), 2))
DEFERRED = job_after(event(ACCEPTED), event(Sending(1, at(15), "w"), 1), event(SendDeferred(1, at(30)), 2))
SENT = job_after(event(ACCEPTED), event(Sending(1, at(15), "w"), 1), event(Sent(1), 2))
