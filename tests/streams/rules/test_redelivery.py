"""A finished notification that somebody wants delivered once more."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clock import milliseconds
from streams.codec import decode, encode
from streams.events import (
    Accepted,
    Acknowledged,
    Attempt,
    Body,
    CameDue,
    Event,
    Failed,
    Held,
    Queued,
    QuietHours,
    RedeliveryRefused,
    RedeliveryRequested,
    Request,
    RetryScheduled,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Withheld,
)
from streams.folding.rule import Incoming
from streams.lifecycle import Lifecycle
from streams.providers.protocol import Message
from streams.rules.conclusions import attempt, conclude, lane_of
from streams.rules.notification import Job, evolve
from streams.rules.phase import STATUS, Phase
from streams.rules.preferences import Preferences
from streams.topics import EVENTS
from tests.streams.rules.test_notification import (
    ACCEPTED,
    EMAIL,
    INPUTS,
    REQUEST,
    RETRIES,
    SENDING,
    at,
    bodies,
    event,
    fail_until,
    fold,
    full_log,
    given_job,
    process,
)
from tests.support.numbers import RETRY

SENT = (event(ACCEPTED), SENDING, event(Sent(1), 2))


def wish(redelivery: str = "r", dispatch: int = 1, seconds: float = 100, asked: Request = REQUEST) -> Event[Body]:
    return event(RedeliveryRequested(redelivery, "ada", "lost in transit", dispatch, "transactional", asked), seconds)


def test_what_was_sent_is_queued_as_its_next_dispatch_in_the_lane_of_its_class() -> None:
    job, [queued] = process(given_job(*SENT), wish())
    assert queued.body == Queued(2, EMAIL, "r")
    assert (queued.id, queued.causation, queued.time) == ("n:queued:2", "n:redelivery-requested:r", at(100))
    assert job is not None
    assert (STATUS[job.phase], job.attempts, job.accepted) == ("queued", 0, at(100))
    assert attempt(job, queued).body == Attempt(2, REQUEST, 2)
    assert lane_of(job) == EMAIL


NOON = 12 * 3600.0
MIDDAY = QuietHours("11:00", "13:00", "UTC")


@pytest.mark.parametrize(
    ("preferred", "reason"),
    [
        (Preferences("id", 1, channels_off=("email",)), "channel-off"),
        (Preferences("id", 1, quiet_hours=MIDDAY), "quiet-hours"),
        (Preferences("id", 1, channels_off=("sms",)), None),
        (Preferences("id", 1, quiet_hours=QuietHours("11:00", "13:00", "UTC", transactional_passes=True)), None),
    ],
)
def test_a_redelivery_is_refused_if_its_recipient_does_not_want_it_or_not_now(
    preferred: Preferences, reason: str | None
) -> None:
    noon = event(wish().body, NOON)
    job = evolve(given_job(*SENT), noon)
    [concluded] = conclude(job, noon, RETRY, preferred)
    assert getattr(concluded.body, "reason", None) == reason
    after = evolve(job, concluded)
    assert after is not None
    assert (STATUS[after.phase], after.asked) == ("sent" if reason else "queued", ())


def test_a_retry_of_a_redelivery_waits_for_the_end_of_quiet_hours_in_a_hold_of_its_own_number() -> None:
    job, _ = process(given_job(*SENT), wish(), event(Sending(2, at(120), "w"), 110), event(SendFailed(2, "no"), 111))
    due = event(CameDue(2, "retry"), NOON)
    [held] = conclude(evolve(job, due), due, RETRY, Preferences("id", 1, quiet_hours=MIDDAY))
    assert isinstance(held.body, Held)
    assert (held.id, held.body.dispatch, held.body.until) == ("n:held:1", 2, at(NOON + 3600))
    assert STATUS[getattr(evolve(job, held), "phase", Phase.SENT)] == "pending"


def test_a_forgotten_one_counts_its_holds_on() -> None:
    body = RedeliveryRequested("r", "ada", "lost", 1, "transactional", REQUEST, holds=3)
    job, _ = process(None, event(body), event(SendFailed(2, "no"), 1))
    assert job is not None
    due = event(CameDue(2, "retry"), NOON)
    [held] = conclude(evolve(job, due), due, RETRY, Preferences("id", 1, quiet_hours=MIDDAY))
    assert held.id == "n:held:4"


def test_a_withheld_one_is_not_redelivered() -> None:
    job = evolve(evolve(None, event(ACCEPTED)), event(Withheld(0, "channel-off", "id"), 1))
    job, [refused] = process(job, wish())
    assert refused.body == RedeliveryRefused("r", "withheld", "suppressed")
    assert job is not None
    assert (job.phase, job.request) == (Phase.WITHHELD, None)


def test_what_has_failed_gets_all_its_attempts_again() -> None:
    job, _ = fail_until(5)
    job, concluded = process(job, wish(dispatch=5))
    assert bodies(concluded) == [Queued(6, EMAIL, "r")]
    for dispatch in range(6, 11):
        job, concluded = process(
            job,
            event(Sending(dispatch, at(999), "w"), 200),
            event(SendFailed(dispatch, "still down"), 200),
            event(CameDue(dispatch, "retry"), 300),
        )
        if dispatch == 6:
            assert bodies(concluded) == [RetryScheduled(6, at(201), 1, "still down"), Queued(7, RETRIES)]
            assert job is not None
            assert attempt(job, concluded[-1]).body == Attempt(7, REQUEST, 6)
    assert bodies(concluded) == [Failed(10, 5, "still down")]


def test_each_redelivery_has_an_idempotency_key_of_its_own_and_its_retries_have_the_same() -> None:
    def key(dispatch: int, first: int) -> str:
        return Message("n", dispatch, "email", REQUEST.personal, None, at(0), first).idempotency_key

    assert (key(1, 0), key(2, 0), key(3, 3), key(4, 3), key(5, 5)) == ("n", "n", "n:3", "n:3", "n:5")


@pytest.mark.parametrize(
    ("happened", "status"),
    [
        ([], "queued"),
        ([SENDING], "sending"),
        ([SENDING, event(SendFailed(1, "no"), 2)], "retrying"),
        ([SENDING, event(Sent(1), 2), wish("other", seconds=50)], "queued"),
    ],
)
def test_what_is_under_way_is_refused_with_its_status(happened: list[Event[Body]], status: str) -> None:
    before = given_job(event(ACCEPTED), *happened)
    job, concluded = process(before, wish())
    assert bodies(concluded) == [RedeliveryRefused("r", "under-way", status)]
    assert concluded[0].id == "n:redelivery-refused:r"
    assert job is not None
    assert (job.rank, job.request, job.asked) == (before.rank, REQUEST, ())


def test_what_its_recipient_has_seen_is_refused() -> None:
    job, concluded = process(given_job(*SENT, event(Acknowledged(), 3)), wish())
    assert bodies(concluded) == [RedeliveryRefused("r", "acknowledged", "sent")]
    assert job is not None
    assert job.request is None


def test_asked_twice_under_one_name_it_is_one() -> None:
    job, _ = process(given_job(*SENT), wish())
    again = (event(Sending(2, at(120), "w"), 101), event(Sent(2), 102))
    assert process(job, wish(seconds=101))[1] == []
    job, _ = process(job, *again)
    assert process(job, wish(seconds=103))[1] == []
    _, concluded = process(job, wish("s", seconds=103))
    assert bodies(concluded) == [Queued(3, EMAIL, "s")]


def test_a_job_that_was_forgotten_is_made_from_what_the_wish_tells() -> None:
    job, concluded = process(None, wish(dispatch=7))
    assert bodies(concluded) == [Queued(8, EMAIL, "r")]
    assert job is not None
    assert (job.request, job.max_attempts, job.first) == (REQUEST, 5, 8)


def test_the_number_is_above_every_one_there_was_even_if_an_earlier_one_was_sent_at_last() -> None:
    """`sent` of the first dispatch came while the second was queued."""
    lost = (event(ACCEPTED), SENDING, event(CameDue(1, "deadline"), 15), event(CameDue(1, "retry"), 16))
    job = given_job(*lost, event(Sent(1), 17))
    assert bodies(process(job, wish(dispatch=1))[1]) == [Queued(3, EMAIL, "r")]
    log = full_log([*lost])
    queued_late = fold([*log[:-1], event(Sent(1), 17), log[-1]])
    assert queued_late is not None
    assert (queued_late.phase, queued_late.highest) == (Phase.SENT, 2)


@pytest.mark.parametrize(
    "late",
    [
        event(Sent(1), 200),
        event(SendFailed(1, "no"), 200),
        event(SendLost(1), 200),
        event(Failed(1, 5, "no"), 200),
        event(RetryScheduled(1, at(201), 3, "no"), 200),
        event(CameDue(1, "retry"), 200),
        event(Sending(1, at(215), "w"), 200),
    ],
)
def test_what_is_told_of_an_earlier_delivery_changes_nothing(late: Event[Body]) -> None:
    job, _ = process(given_job(*SENT), wish())
    assert process(job, late) == (job, [])


def test_an_acknowledgement_settles_a_redelivery_too() -> None:
    job, _ = process(given_job(*SENT), wish())
    job, concluded = process(job, event(Acknowledged(), 101))
    assert [one.id for one in concluded] == ["n:settled:2"]
    assert job is not None
    assert job.final


OF_NO_DISPATCH = (Accepted, Acknowledged, RedeliveryRequested)
WISHES = st.builds(lambda r, s: wish(r, 1, s), st.sampled_from("rst"), st.integers(0, 99))
LOGS = st.lists(INPUTS | WISHES, max_size=40).map(lambda events: [event(ACCEPTED), *events])


@given(LOGS)
def test_folding_the_log_gives_the_job_that_lifecycle_held(inputs: list[Event[Body]]) -> None:
    assert fold(full_log(inputs)) == process(None, *inputs)[0]


@given(LOGS, st.integers(0, 200))
def test_any_suffix_of_the_log_that_comes_again_moves_nothing(inputs: list[Event[Body]], start: int) -> None:
    log = full_log(inputs)
    before, after = fold(log), fold(log + log[start % len(log) :])
    assert before is not None
    assert after is not None
    assert (after.rank, after.attempts, after.highest, after.request) == (
        before.rank,
        before.attempts,
        before.highest,
        before.request,
    )


@given(LOGS)
def test_no_number_is_used_twice_and_none_is_left_out(inputs: list[Event[Body]]) -> None:
    job, queued = None, list[int]()
    for one in inputs:
        if getattr(one.body, "dispatch", 1) in queued or isinstance(one.body, OF_NO_DISPATCH):
            job, concluded = process(job, one)
            queued += [said.body.dispatch for said in concluded if isinstance(said.body, Queued)]
    assert queued == list(range(1, len(queued) + 1))


@given(LOGS)
def test_every_wish_is_decided_once(inputs: list[Event[Body]]) -> None:
    log = full_log(inputs)
    asked = {one.body.redelivery for one in log if isinstance(one.body, RedeliveryRequested)}
    begun = [one.body.redelivery for one in log if isinstance(one.body, Queued) and one.body.redelivery]
    refused = [one.body.redelivery for one in log if isinstance(one.body, RedeliveryRefused)]
    assert sorted([*begun, *refused]) == sorted(asked)


@given(LOGS)
def test_an_open_job_waits_for_deliver_or_for_a_timer_and_has_what_is_to_be_sent(inputs: list[Event[Body]]) -> None:
    job = process(None, *inputs)[0]
    assert job is not None
    waits = job.phase is Phase.QUEUED or job.due is not None
    assert job.final != waits
    assert (job.request is None) == job.final


GRACE = timedelta(seconds=600)


def reacted(state: Job | None, asked: Event[Body], written: float) -> tuple[Job | None, list[Body], int]:
    """What lifecycle's rule does with a wish that was written then."""
    record = Incoming(EVENTS, 0, 9, b"key", encode(asked), milliseconds(at(written)))
    reaction = Lifecycle(RETRY, GRACE).react(state, asked, record, {})
    assert not isinstance(reaction.state, Preferences)
    return reaction.state, [decode(one.value).body for one in reaction.log], len(reaction.lanes)


def test_a_wish_that_was_written_long_after_it_was_asked_is_refused_if_the_job_is_forgotten() -> None:
    job, said, lanes = reacted(None, wish(dispatch=3), 100 + 300.001)
    assert (said, lanes) == ([RedeliveryRefused("r", "too-old")], 0)
    assert job == evolve(evolve(None, wish(dispatch=3)), event(RedeliveryRefused("r", "too-old"), 100))
    assert job is not None
    assert job.final
    assert reacted(None, wish(dispatch=3), 100 + 300)[1:] == ([Queued(4, EMAIL, "r")], 1)
    assert reacted(given_job(*SENT), wish(), 9999)[1:] == ([Queued(2, EMAIL, "r")], 1)
