"""What is late, and that saying so at the wrong time does no harm."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import Accepted, Body, CameDue, Event, Origin, Personal, Queued, Request, SendFailed, Sending, Sent
from streams.reconciler import Patience, late
from streams.rules.conclusions import came_due, conclude, lane_of
from streams.rules.notification import Job, evolve
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


QUEUED = job_after(event(ACCEPTED))
SENDING = job_after(event(ACCEPTED), event(Sending(1, at(15), "w"), 1))
RETRYING = job_after(event(ACCEPTED), event(Sending(1, at(15), "w"), 1), event(SendFailed(1, "no"), 2))
SENT = job_after(event(ACCEPTED), event(Sending(1, at(15), "w"), 1), event(Sent(1), 2))


@pytest.mark.parametrize(
    ("job", "seconds", "kind"),
    [(QUEUED, 60, None), (QUEUED, 61, "lane"), (SENDING, 24, None), (SENDING, 25, "deadline"), (RETRYING, 12, "retry")],
)
def test_a_job_is_late_when_what_it_waits_for_is_overdue(job: Job, seconds: float, kind: str | None) -> None:
    assert late(job, timedelta(seconds=seconds), PATIENCE, lane_empty=True) == kind


def test_a_job_whose_lane_has_a_backlog_is_not_late() -> None:
    assert late(QUEUED, timedelta(days=9), PATIENCE, lane_empty=False) is None


def test_a_final_job_is_never_late() -> None:
    assert late(SENT, timedelta(days=9), PATIENCE, lane_empty=True) is None


def test_a_lost_lane_record_leads_to_the_next_dispatch_and_costs_no_attempt() -> None:
    command = came_due(QUEUED, at(61))
    assert command.body == CameDue(1, "lane")
    (queued,) = conclude(QUEUED, command, RETRY)
    assert queued.body == Queued(2, "notification-attempts.email.retries")
    after = evolve(QUEUED, queued)
    assert after is not None
    assert (after.attempts, lane_of(after), lane_of(QUEUED)) == (
        0,
        "notification-attempts.email.retries",
        "notification-attempts.email.promotional",
    )


@given(st.sampled_from([SENDING, RETRYING, SENT]), st.integers(0, 1000))
def test_it_leads_nowhere_once_the_dispatch_was_taken_up(job: Job, seconds: int) -> None:
    assert conclude(job, event(CameDue(1, "lane"), seconds), RETRY) == []


def test_it_leads_nowhere_for_another_dispatch() -> None:
    assert conclude(QUEUED, event(CameDue(2, "lane"), 99), RETRY) == []
