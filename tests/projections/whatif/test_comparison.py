"""What-ifs about logs that the real rules wrote: as they were, and by other rules."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from projections.whatif.recording import EVER, Span
from projections.whatif.shadow import Rules
from streams.events import Accepted, CameDue, PolicySet, RetryScheduled
from streams.rules.retry import ExponentialRetry, LinearRetry
from tests.projections.lives import PREFERRED, at
from tests.projections.whatif.given import AS_IS, Asked, System, asked_what_if
from tests.support.numbers import LIMITS, RETRY

SECOND = timedelta(seconds=1)
HOUR = 3600 * SECOND
LINEAR = RETRY
OUTCOMES = st.sampled_from(["s", "fs", "ffs", "fff", "ds", "dfs", "ls", "lll", "f", "l", "d", "", "fd", "sa"])
TYPES = st.sampled_from(["LIKE", "SHARE", "FOLLOW"])
REQUESTS = st.builds(
    Asked,
    st.integers(0, 700).map(float),
    st.sampled_from([None, "ada", "bob", "eve"]),
    st.sampled_from(["user1", "user2", "user3"]),
    OUTCOMES,
    TYPES,
    st.sampled_from([None, *PREFERRED.values()]),
)


def by(**limits: object) -> Rules:
    return Rules(replace(LIMITS, **limits), LINEAR)  # type: ignore[arg-type]


def likes(*seconds: float, actor: str = "ada", **more: str) -> list[Asked]:
    """Of one actor to different people."""
    return [Asked(second, actor, f"user{number}", **more) for number, second in enumerate(seconds)]  # type: ignore[arg-type]


@given(st.lists(REQUESTS, max_size=40))
def test_by_the_rules_that_wrote_it_a_log_comes_out_as_it_is(requests: list[Asked]) -> None:
    report = asked_what_if(System().take(*requests).events)
    assert report.wrong == report.changed == {}
    assert report.recorded == report.recomputed == report.tried
    assert report.recomputed.assumed == 0


@given(st.lists(REQUESTS, max_size=40), st.integers(1, 4), st.integers(1, 30), st.integers(1, 400))
def test_other_limits_let_through_what_a_system_under_them_would_have(
    requests: list[Asked], limit: int, window: int, dedupe: int
) -> None:
    other = replace(LIMITS, rate_limit=limit, rate_window=window * SECOND, dedupe_window=dedupe * SECOND)
    report = asked_what_if(System().take(*requests).events, Rules(other, LINEAR))
    would = asked_what_if(System(other).take(*requests).events)
    for reason in ("duplicate", "rate-limited", "cooled-off"):
        assert report.tried.ends[reason] == would.recorded.ends[reason]


@given(st.lists(REQUESTS, max_size=30), st.sampled_from([LinearRetry(3 * SECOND), ExponentialRetry(2 * SECOND, HOUR)]))
def test_another_retry_policy_moves_times_and_nothing_else(requests: list[Asked], retry: LinearRetry) -> None:
    report = asked_what_if(System().take(*requests).events, Rules(LIMITS, retry))
    assert report.changed == {}
    assert (report.tried.calls, report.tried.failures) == (report.recorded.calls, report.recorded.failures)


def test_a_later_retry_is_later_by_as_much_as_the_policy_says() -> None:
    log = System().take(Asked(0, outcomes="ffs")).events
    report = asked_what_if(log, Rules(LIMITS, LinearRetry(10 * SECOND)))
    assert report.recorded.latencies.counts == {3600: 1}  # waits of 1 and 2 s, and 100 ms each for lane and call
    assert report.tried.latencies.counts == {30600: 1}
    assert asked_what_if(log, Rules(LIMITS, ExponentialRetry(10 * SECOND, HOUR))).tried.latencies.counts == {30600: 1}
    assert asked_what_if(log, Rules(LIMITS, ExponentialRetry(8 * SECOND, HOUR))).tried.latencies.counts == {24600: 1}


def test_fewer_attempts_fail_what_a_later_one_had_sent() -> None:
    log = System().take(Asked(0, outcomes="ffs"), Asked(1, outcomes="s")).events
    report = asked_what_if(log, Rules(LIMITS, LINEAR, max_attempts=2))
    assert report.changed == {("sent", "failed"): 1}
    assert (report.recorded.calls, report.tried.calls) == (4, 3)
    assert report.tried.assumed == 0


def test_an_attempt_that_never_was_goes_as_a_recorded_one_of_its_lane() -> None:
    failing = [Asked(second, outcomes="fff") for second in range(3)]
    retried = [Asked(second, outcomes="fs") for second in range(3, 60)]
    report = asked_what_if(System().take(*failing, *retried).events, Rules(LIMITS, LINEAR, max_attempts=9))
    assert report.recorded.ends == {"failed": 3, "sent": 57}
    assert report.tried.ends == {"sent": 60}
    assert 3 <= report.tried.assumed <= 9
    assert report.tried.resting == 3
    again = asked_what_if(System().take(*failing, *retried).events, Rules(LIMITS, LINEAR, max_attempts=9))
    assert again.tried == report.tried


def test_what_was_suppressed_is_sent_by_assumption_when_it_is_let_through() -> None:
    report = asked_what_if(System().take(*likes(0, 1, 2)).events, by(rate_limit=3))
    assert report.changed == {("rate-limited", "sent"): 1}
    assert (report.tried.ends["sent"], report.tried.assumed, report.tried.resting) == (3, 1, 1)
    assert report.tried.latencies.counts == {200: 3}


def test_what_was_open_when_the_log_ended_stays_open_by_whatever_rules() -> None:
    log = System().take(Asked(0, outcomes=""), Asked(1, outcomes="f"), Asked(2, outcomes="d")).events
    report = asked_what_if(log, Rules(LIMITS, LinearRetry(5 * SECOND), max_attempts=9))
    assert report.tried.ends == {"open": 3}
    assert report.tried.assumed == 0


def test_a_cool_off_that_never_would_have_begun_suppresses_nobody() -> None:
    log = System().take(*likes(*(number / 4 for number in range(40)))).events
    recorded = asked_what_if(log, by(cool_off_after=1000)).recorded
    assert recorded.ends["cooled-off"] > 20
    report = asked_what_if(log, by(cool_off_after=1000))
    assert report.tried.ends["cooled-off"] == 0


def test_a_policy_counts_from_where_it_was_set_on() -> None:
    system = System().take(*likes(0, 1, 2)).set(PolicySet("actor", "ada", 1, rate_limit=9), 3)
    report = asked_what_if(system.take(*likes(3, 4, 5)).events, by(dedupe_window=timedelta()))
    assert report.recorded.ends["rate-limited"] == 1
    assert report.wrong == {}


def test_an_imposed_policy_holds_over_the_recorded_one_of_the_same_and_under_a_more_special_one() -> None:
    system = System().set(PolicySet("type", "LIKE", 1, rate_limit=1)).set(PolicySet("actor", "bob", 1, rate_limit=1))
    log = system.take(*likes(0, 1, 2), *likes(0, 1, 2, actor="bob")).events
    imposed = PolicySet("type", "LIKE", 0, rate_limit=3)
    report = asked_what_if(log, Rules(LIMITS, LINEAR, imposed=(imposed,)))
    assert report.recorded.ends["rate-limited"] == 4
    assert report.tried.ends["rate-limited"] == 2


def test_policies_from_before_the_span_hold_in_it() -> None:
    limits = PolicySet("actor", "ada", 1, rate_limit=9)
    log = [*System().set(limits).take(*likes(0, 1, 2)).events][1:]
    assert asked_what_if(log).wrong == {("sent", "rate-limited"): 1}
    assert asked_what_if(log, before=[limits]).wrong == {}


def test_a_lifted_cool_off_is_lifted_in_the_shadow() -> None:
    pounding = likes(*range(14))
    system = System().take(*pounding).lift("ada", 20).take(Asked(30, "ada", "user99"))
    report = asked_what_if(system.events)
    assert report.wrong == {}
    assert report.recorded.ends["cooled-off"] == 0


def test_requests_before_the_span_shape_histories_and_are_not_counted() -> None:
    log = System().take(*likes(0, 1, 2, 100)).events
    report = asked_what_if(log, span=Span(at(0), at(2), at(100)))
    assert report.recorded.ends == report.recomputed.ends == {"rate-limited": 1}
    unwarmed = asked_what_if(log, span=Span(at(2), at(2), EVER))
    assert unwarmed.wrong == {("rate-limited", "sent"): 1}


@pytest.mark.parametrize("held", [1, 3, 1000])
def test_events_written_again_and_a_small_memory_change_nothing(held: int) -> None:
    requests = [Asked(number, outcomes=("fs", "s", "lfs")[number % 3]) for number in range(20)]
    events = System().take(*requests, *likes(0, 1, 2)).events
    once, twice = asked_what_if(events), asked_what_if([*events, *events], held=held)
    assert (twice.recorded, twice.recomputed, twice.wrong) == (once.recorded, once.recomputed, {})


def test_an_id_that_was_accepted_again_counts_once() -> None:
    events = System().take(Asked(0, outcomes="s")).events
    again = [event for event in System().take(Asked(0), Asked(9000)).events if isinstance(event.body, Accepted)]
    report = asked_what_if([*events, structs.replace(again[1], notification="n0")])
    assert report.recorded.ends == {"sent": 1}


def test_without_any_recorded_call_what_is_let_through_is_assumed_to_be_sent_at_once() -> None:
    events = [event for event in System().take(*likes(0, 1, 2)).events if not isinstance(event.body, Accepted)]
    suppressed = [event for event in events if event.notification == "n2"]
    report = asked_what_if(suppressed, AS_IS)
    assert report.tried.ends == {"sent": 1}
    assert report.tried.latencies.counts == {0: 1}


def test_a_retry_that_is_still_to_come_is_nobody_s_to_assume() -> None:
    events = System().take(Asked(0, outcomes="fs"), Asked(1)).events
    planned = next(number for number, event in enumerate(events) if isinstance(event.body, RetryScheduled))
    rest = [event for event in events[planned + 1 :] if event.notification != "n0"]
    report = asked_what_if([*events[: planned + 1], *rest], Rules(LIMITS, LinearRetry(5 * SECOND), max_attempts=9))
    assert report.wrong == report.changed == {}
    assert report.tried.ends == {"open": 1, "sent": 1}
    assert report.tried.assumed == 0


def test_a_timer_is_as_late_in_the_shadow_as_it_was() -> None:
    events = System().take(Asked(0, outcomes="fs")).events
    due = next(number for number, event in enumerate(events) if isinstance(event.body, CameDue))
    late = [structs.replace(event, time=event.time + SECOND / 2) for event in events[due:]]
    report = asked_what_if([*events[:due], *late], Rules(LIMITS, LinearRetry(10 * SECOND)))
    assert report.recomputed.latencies.counts == report.recorded.latencies.counts == {1900: 1}
    assert report.tried.latencies.counts == {10900: 1}


def test_what_the_recipient_did_not_want_is_not_sent_in_the_shadow_and_what_was_held_waits() -> None:
    withheld, held = PREFERRED.values()
    log = System().take(Asked(0, preferred=withheld), Asked(0, preferred=held), Asked(0, "ada", preferred=held)).events
    report = asked_what_if(log, by(rate_limit=9))
    assert report.recorded.ends == report.tried.ends == {"withheld": 1, "sent": 2}
    assert report.tried.latencies.counts == report.recorded.latencies.counts == {300_000: 2}
