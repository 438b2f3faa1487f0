"""What is late, who is suspected and who is helped on, and that saying so at the wrong time does no harm."""

from collections.abc import Container
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.codec import decode
from streams.events import CameDue, Queued
from streams.rules.conclusions import came_due, conclude, lane_of
from streams.rules.notification import Job, evolve
from streams.rules.overdue import Known, Lane, Look, Place, Suspect, Watched, forgotten, help_on, late, suspects
from streams.topics import EVENTS
from tests.streams.lives import (
    ACCEPTED,
    DEFERRED,
    PATIENCE,
    QUEUED,
    RETRYING,
    SENDING,
    SENT,
    at,
    event,
    held,
    job_after,
)
from tests.support.numbers import RETRY


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


HERE: Place = (3, b"n")
LANE = (lane_of(QUEUED), 3)
LONG = timedelta(hours=1)


def look(*jobs: Job, empty: Container[Lane] = (), waited: timedelta = LONG) -> Look:
    made = Look(PATIENCE, empty)
    for job in jobs:
        made.take(HERE[0], job, waited)
    return made


def suspected(
    seen: Job, now: Job | None, *, empty: Container[Lane] = (LANE,), before: Suspect | None = None, folded: int = 0
) -> Suspect | None:
    """What is made of one that was late when it was seen; the log ends at 10."""
    jobs = {} if now is None else {HERE: Watched(now, LONG)}
    known = Known(empty, {3: 10}, {3: folded})
    return suspects(look(seen, empty=[LANE]), jobs, {} if before is None else {HERE: before}, known).get(HERE)


def helped(suspect: Suspect, now: Job | None, folded: int) -> list[Job]:
    jobs = {} if now is None else {HERE: Watched(now, LONG)}
    return list(forgotten({HERE: suspect}, jobs, {3: folded}).values())


@pytest.mark.parametrize("job", [SENDING, RETRYING, DEFERRED, held(1, 30)])
def test_one_whose_time_has_long_passed_is_found(job: Job) -> None:
    assert look(job).found == {HERE: job.rank}
    assert look(job, waited=timedelta(seconds=5)).found == {}


def test_one_queued_for_long_is_found_once_its_lane_was_empty_when_last_asked() -> None:
    first = look(QUEUED)
    assert (first.found, first.lanes) == ({}, {LANE})
    assert look(QUEUED, empty=first.lanes).found == {HERE: QUEUED.rank}
    assert look(QUEUED, empty=[(LANE[0], 4)]).found == {}


def test_a_lane_is_asked_about_only_when_one_has_waited_in_it_for_long() -> None:
    assert look(QUEUED, waited=timedelta(seconds=60)).lanes == set()
    assert look(SENDING, RETRYING).lanes == set()


def test_a_look_counts_the_open_ones_and_knows_the_oldest() -> None:
    older = job_after(event(ACCEPTED, -5))
    seen = look(QUEUED, older, SENDING)
    assert (seen.open_jobs, seen.oldest) == (3, at(-5))


def test_one_that_is_late_is_suspected_until_the_log_as_it_is_now_is_folded() -> None:
    for job in (QUEUED, SENDING, RETRYING, DEFERRED):
        assert suspected(job, job) == Suspect(job.rank, 10)


def test_one_that_waits_to_be_folded_keeps_the_end_it_had_and_gets_a_new_one_after() -> None:
    before = Suspect(RETRYING.rank, 5)
    assert suspected(RETRYING, RETRYING, before=before, folded=4) == before
    assert suspected(RETRYING, RETRYING, before=before, folded=5) == Suspect(RETRYING.rank, 10)
    assert suspected(RETRYING, RETRYING, before=Suspect(SENDING.rank, 5), folded=4) == Suspect(RETRYING.rank, 10)


@pytest.mark.parametrize("now", [SENDING, RETRYING, SENT, None])
def test_one_that_moved_on_or_is_not_ours_any_more_is_not_suspected(now: Job | None) -> None:
    assert suspected(QUEUED, now) is None


def test_one_whose_lane_was_found_with_a_backlog_after_all_is_not_suspected() -> None:
    assert suspected(QUEUED, QUEUED, empty=()) is None


def test_one_that_came_back_to_where_it_was_only_just_now_is_not_suspected() -> None:
    found = look(QUEUED, empty=[LANE])
    now = {HERE: Watched(QUEUED, timedelta(seconds=1))}
    assert suspects(found, now, {}, Known([LANE], {3: 10}, {})) == {}


def test_a_suspect_is_helped_on_when_the_log_as_it_was_then_is_folded_and_not_before() -> None:
    suspect = Suspect(RETRYING.rank, 10)
    assert helped(suspect, RETRYING, folded=9) == []
    assert helped(suspect, RETRYING, folded=10) == [RETRYING]
    assert helped(suspect, None, folded=10) == []
    assert forgotten({HERE: suspect}, {HERE: Watched(RETRYING, LONG)}, {}) == {}


LIFE = [QUEUED, SENDING, DEFERRED, RETRYING, held(1, 30), held(2, 90)]


@given(st.sampled_from(LIFE), st.sampled_from(LIFE), st.integers(0, 20))
def test_only_what_has_not_moved_at_all_is_helped_on(seen: Job, now: Job, folded: int) -> None:
    still = seen is now and folded >= 10
    assert helped(Suspect(seen.rank, 10), now, folded) == ([now] if still else [])


def test_one_that_is_held_anew_is_not_let_go_for_the_hold_that_ended() -> None:
    assert (held(1, 30).dispatch, held(1, 30).phase) == (held(2, 90).dispatch, held(2, 90).phase)
    assert helped(Suspect(held(1, 30).rank, 0), held(2, 90), folded=10) == []


def test_helping_on_puts_what_was_waited_for_where_the_notification_s_events_are() -> None:
    record = help_on(HERE, RETRYING, at(500))
    assert record[:2] == (EVENTS, b"key")
    assert record.partition == 3
    assert decode(record.value).body == CameDue(1, "retry")
