"""The life of a notification, told as given(events), then conclusions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import (
    Accepted,
    Acknowledged,
    Attempt,
    Body,
    CameDue,
    Event,
    Fact,
    Failed,
    Held,
    Origin,
    Personal,
    Queued,
    Repeated,
    Request,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Settled,
)
from streams.rules.conclusions import attempt, came_due, conclude
from streams.rules.notification import LOST, Job, evolve
from streams.rules.phase import STATUS, Phase
from tests.support.numbers import RETRY

START = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = Request("email", "key", 5, Personal("ada@example.org", "hello"))
ACCEPTED = Accepted(REQUEST, "transactional", Origin(0, 0))
EMAIL = "notification-attempts.email.transactional"
RETRIES = "notification-attempts.email.retries"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(body: Body, seconds: float = 0) -> Event[Body]:
    return Event(body, "n", at(seconds), "test", "n")


def process(job: Job | None, *happened: Event[Body]) -> tuple[Job | None, list[Event[Fact]]]:
    """What lifecycle does with each event: fold it, conclude, fold the conclusions."""
    concluded: list[Event[Fact]] = []
    for one in happened:
        job = evolve(job, one)
        new = conclude(job, one, RETRY)
        for conclusion in new:
            job = evolve(job, conclusion)
        concluded += new
    return job, concluded


def given_job(*happened: Event[Body]) -> Job:
    job, _ = process(None, *happened)
    assert job is not None
    return job


def bodies(events: Sequence[Event[Body]]) -> list[Body]:
    return [one.body for one in events]


SENDING = event(Sending(1, at(15), "w"), 1)


def test_an_accepted_notification_is_queued_to_its_lane() -> None:
    job, concluded = process(None, event(ACCEPTED))
    assert bodies(concluded) == [Queued(1, EMAIL)]
    assert job is not None
    assert STATUS[job.phase] == "queued"


def test_a_promotional_one_goes_to_the_promotional_lane() -> None:
    _, concluded = process(None, event(Accepted(REQUEST, "promotional", Origin(0, 0))))
    assert bodies(concluded) == [Queued(1, "notification-attempts.email.promotional")]


def test_the_lane_record_carries_the_request_and_the_dispatch() -> None:
    job, [queued] = process(None, event(ACCEPTED))
    assert job is not None
    assert attempt(job, queued).body == Attempt(1, REQUEST)
    assert attempt(job, queued).id == "n:attempt:1"


@pytest.mark.parametrize("failures", [1, 2, 3, 4])
def test_a_failed_attempt_is_retried_after_as_many_seconds_as_attempts(failures: int) -> None:
    now = 0.0
    job, concluded = process(None, event(ACCEPTED, now))
    for dispatch in range(1, failures + 1):
        job, concluded = process(
            job, event(Sending(dispatch, at(now + 15), "w"), now), event(SendFailed(dispatch, "no"), now)
        )
        if dispatch < failures:
            now += dispatch
            job, _ = process(job, event(CameDue(dispatch, "retry"), now))
    assert bodies(concluded) == [RetryScheduled(failures, at(now + failures), failures, "no")]
    assert job is not None
    assert (STATUS[job.phase], job.attempts) == ("retrying", failures)


def fail_until(dispatches: int) -> tuple[Job | None, list[Event[Fact]]]:
    job, concluded = process(None, event(ACCEPTED))
    for dispatch in range(1, dispatches + 1):
        job, concluded = process(
            job,
            event(Sending(dispatch, at(100), "w"), 10),
            event(SendFailed(dispatch, f"error {dispatch}"), 10),
            event(CameDue(dispatch, "retry"), 20),
        )
    return job, concluded


def test_the_fifth_broken_attempt_is_final() -> None:
    job, concluded = fail_until(5)
    assert bodies(concluded) == [Failed(5, 5, "error 5")]
    assert job is not None
    assert (STATUS[job.phase], job.attempts, job.error, job.request) == ("failed", 5, "error 5", None)


def test_a_first_try_success_ends_with_no_attempts() -> None:
    job = given_job(event(ACCEPTED), SENDING, event(Sent(1), 2))
    assert (STATUS[job.phase], job.attempts, job.due, job.request) == ("sent", 0, None, None)


def test_a_retry_that_came_due_goes_to_the_retries_lane() -> None:
    job = given_job(event(ACCEPTED), SENDING, event(SendFailed(1, "no"), 2))
    _, concluded = process(job, event(CameDue(1, "retry"), 3))
    assert bodies(concluded) == [Queued(2, RETRIES)]


@pytest.mark.parametrize(
    "early_or_foreign",
    [
        event(CameDue(1, "retry"), 2.999),
        event(CameDue(2, "retry"), 3),
        event(CameDue(1, "deadline"), 100),
        event(CameDue(1, "deferral"), 100),
    ],
)
def test_a_timer_counts_only_when_due_and_for_the_dispatch_and_obligation_it_was_set_for(
    early_or_foreign: Event[Body],
) -> None:
    job = given_job(event(ACCEPTED), SENDING, event(SendFailed(1, "no"), 2))
    assert process(job, early_or_foreign) == (job, [])


def test_a_sending_without_outcome_is_lost_at_its_deadline_and_goes_on_as_after_a_failure() -> None:
    job = given_job(event(ACCEPTED), SENDING)
    job_after, concluded = process(job, event(CameDue(1, "deadline"), 15))
    assert bodies(concluded) == [SendLost(1), RetryScheduled(1, at(16), 1, LOST)]
    assert job_after is not None
    assert job_after.attempts == 1


def test_a_deferral_costs_no_attempt_and_gets_a_new_dispatch_when_due() -> None:
    job = given_job(event(ACCEPTED), SENDING, event(SendDeferred(1, at(60)), 2))
    assert (STATUS[job.phase], job.attempts, job.due) == ("queued", 0, at(60))
    assert bodies(process(job, event(CameDue(1, "deferral"), 60))[1]) == [Queued(2, RETRIES)]


@pytest.mark.parametrize(
    "planned",
    [
        [],
        [event(CameDue(1, "deadline"), 15)],
        [event(CameDue(1, "deadline"), 15), event(CameDue(1, "retry"), 16)],
        [event(CameDue(1, "deadline"), 15), event(CameDue(1, "retry"), 16), event(Sending(2, at(40), "w"), 17)],
    ],
)
def test_sent_wins_whenever_it_comes_and_what_was_planned_is_dropped(planned: list[Event[Body]]) -> None:
    job = given_job(event(ACCEPTED), SENDING, *planned, event(Sent(1), 18))
    assert (STATUS[job.phase], job.due, job.request) == ("sent", None, None)
    assert process(job, event(CameDue(job.dispatch, "retry"), 99)) == (job, [])


def test_sent_wins_even_over_failed() -> None:
    job, _ = fail_until(5)
    job, concluded = process(job, event(Sent(3), 99))
    assert job is not None
    assert (STATUS[job.phase], job.attempts, concluded) == ("sent", 5, [])


def test_a_late_failure_of_a_lost_dispatch_counts_once() -> None:
    job = given_job(event(ACCEPTED), SENDING, event(CameDue(1, "deadline"), 15))
    assert process(job, event(SendFailed(1, "slow"), 16)) == (job, [])


def test_queued_after_its_own_sending_changes_nothing() -> None:
    job = given_job(event(ACCEPTED), SENDING)
    assert process(job, event(Queued(1, EMAIL), 9)) == (job, [])


def test_events_of_a_notification_that_was_never_accepted_open_no_job() -> None:
    assert process(None, event(Sent(1)), event(Acknowledged()), event(Repeated(Origin(0, 1)))) == (None, [])


def test_a_timer_names_what_it_was_set_for() -> None:
    job = given_job(event(ACCEPTED), SENDING)
    timer = came_due(job, at(15))
    assert (timer.body, timer.causation, timer.id) == (CameDue(1, "deadline"), "n:sending:1", "n:came-due:1.deadline")


def test_a_lost_dispatch_and_its_retry_have_timers_with_ids_of_their_own() -> None:
    lost = given_job(event(ACCEPTED), SENDING, event(CameDue(1, "deadline"), 15))
    assert came_due(lost, at(16)).id == "n:came-due:1.retry"


def test_holds_that_follow_each_other_have_timers_with_ids_of_their_own() -> None:
    held = [event(ACCEPTED), event(Held(1, 0, at(60), "p")), event(Held(2, 0, at(90), "p"), 60)]
    jobs = [fold(held[:2]), fold(held)]
    assert [came_due(job, at(90)).id for job in jobs if job] == ["n:came-due:0.hold.1", "n:came-due:0.hold.2"]


def test_a_final_job_has_nothing_left_to_send() -> None:
    job = given_job(event(ACCEPTED), SENDING, event(Sent(1), 2))
    with pytest.raises(ValueError, match="final"):
        attempt(job, Event(Queued(2, RETRIES), "n", START, "lifecycle", "n"))


@pytest.mark.parametrize(
    ("waiting", "dispatch"),
    [
        ([SENDING], 1),
        ([SENDING, event(SendDeferred(1, at(60)), 2)], 1),
        ([SENDING, event(CameDue(1, "deadline"), 15)], 1),
        ([SENDING, event(CameDue(1, "deadline"), 15), event(CameDue(1, "retry"), 16)], 2),
    ],
)
def test_an_acknowledgement_settles_whatever_is_waited_for_and_nothing_more_is_planned(
    waiting: list[Event[Body]], dispatch: int
) -> None:
    job, concluded = process(given_job(event(ACCEPTED), *waiting), event(Acknowledged(), 17))
    assert bodies(concluded) == [Settled(dispatch)]
    assert (concluded[0].id, concluded[0].time) == (f"n:settled:{dispatch}", at(17))
    assert job is not None
    assert (STATUS[job.phase], job.due, job.request) == ("sent", None, None)
    later = (
        event(Acknowledged(), 18),
        event(Sent(1), 18),
        event(SendFailed(dispatch, "no"), 18),
        event(SendLost(dispatch), 18),
        event(CameDue(dispatch, "deadline"), 99),
        event(CameDue(dispatch, "retry"), 99),
    )
    assert process(job, *later) == (job, [])


def test_even_what_was_given_up_is_settled_if_its_recipient_has_seen_it() -> None:
    job, _ = fail_until(5)
    job, concluded = process(job, event(Acknowledged(), 99))
    assert bodies(concluded) == [Settled(5)]
    assert job is not None
    assert (STATUS[job.phase], job.attempts) == ("sent", 5)


def test_what_was_sent_has_nothing_to_be_settled() -> None:
    job = given_job(event(ACCEPTED), SENDING, event(Sent(1), 2))
    assert process(job, event(Acknowledged(), 3))[1] == []


INPUTS = st.one_of(
    st.just(event(ACCEPTED)),
    st.builds(lambda s: event(Acknowledged(), s), st.integers(0, 60)),
    st.builds(lambda d, s: event(Sending(d, at(s + 15), "w"), s), st.integers(1, 6), st.integers(0, 60)),
    st.builds(lambda d, s: event(Sent(d), s), st.integers(1, 6), st.integers(0, 60)),
    st.builds(lambda d, s: event(SendFailed(d, f"e{d}"), s), st.integers(1, 6), st.integers(0, 60)),
    st.builds(lambda d, s: event(SendDeferred(d, at(s + 5)), s), st.integers(1, 6), st.integers(0, 60)),
    st.builds(
        lambda d, o, s: event(CameDue(d, o), s),
        st.integers(1, 6),
        st.sampled_from(["retry", "deferral", "deadline", "lane"]),
        st.integers(0, 99),
    ),
)
LOGS = st.lists(INPUTS, max_size=40).map(lambda events: [event(ACCEPTED), *events])


def full_log(inputs: list[Event[Body]]) -> list[Event[Body]]:
    """The inputs with lifecycle's own conclusions after each, as the log would hold them."""
    job, log = None, []
    for one in inputs:
        job, concluded = process(job, one)
        log += [one, *concluded]
    return log


def fold(log: list[Event[Body]]) -> Job | None:
    job = None
    for one in log:
        job = evolve(job, one)
    return job


@given(LOGS)
def test_folding_the_log_gives_the_job_that_lifecycle_held(inputs: list[Event[Body]]) -> None:
    assert fold(full_log(inputs)) == process(None, *inputs)[0]


@given(LOGS, st.integers(0, 200), st.integers(0, 200))
def test_a_replayed_stretch_of_the_log_changes_nothing(inputs: list[Event[Body]], start: int, length: int) -> None:
    log = full_log(inputs)
    again = log[start % len(log) :][:length]
    assert fold(log + again) == fold(log)


@given(LOGS)
def test_lifecycle_concludes_nothing_from_facts_it_reads_again(inputs: list[Event[Body]]) -> None:
    log = full_log(inputs)
    job = fold(log)
    assert process(job, *(one for one in log if not isinstance(one.body, CameDue))) == (job, [])


@given(LOGS)
def test_dispatches_are_consecutive_and_attempts_bounded(inputs: list[Event[Body]]) -> None:
    log = full_log(inputs)
    queued = [one.body.dispatch for one in log if isinstance(one.body, Queued)]
    assert queued == sorted(set(queued))
    job = fold(log)
    assert job is not None
    assert job.attempts <= job.max_attempts


@given(LOGS)
def test_an_open_job_waits_for_deliver_or_for_a_timer(inputs: list[Event[Body]]) -> None:
    job = process(None, *inputs)[0]
    assert job is not None
    waits = job.phase is Phase.QUEUED or job.due is not None
    assert job.final != waits


@given(LOGS)
def test_no_retry_is_queued_before_its_time(inputs: list[Event[Body]]) -> None:
    log = full_log(inputs)
    planned = {one.body.dispatch: one.body.not_before for one in log if isinstance(one.body, RetryScheduled)}
    for one in log:
        if isinstance(one.body, Queued) and one.body.dispatch - 1 in planned:
            assert one.time >= planned[one.body.dispatch - 1]
