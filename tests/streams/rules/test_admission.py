"""Who gets in: the reference's dedupe and rate limit at their boundaries, and the defects of theirs that ours lacks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import (
    Accepted,
    Activity,
    Event,
    Origin,
    Personal,
    Priority,
    Repeated,
    Request,
    Requested,
    Suppressed,
)
from streams.rules.admission import MAX_REFUSED, History, Limits, Verdict, evolve, expires, judge, lifted, priority_of
from tests.support.numbers import LIMITS

START = datetime(2026, 1, 1, tzinfo=UTC)


def like(name: str, seconds: float, target: str = "user2", activity: Activity = "LIKE") -> Event[Requested]:
    personal = Personal(target, "text", None, "user1", "post1")
    request = Request("in-app", "key", 5, personal, activity)
    return Event(Requested(request), name, START + timedelta(seconds=seconds), "bridge", name)


def email(name: str, seconds: float, priority: Priority | None = None) -> Event[Requested]:
    request = Request("email", "key", 5, Personal("ada@example.org", "hello"), None, priority)
    return Event(Requested(request), name, START + timedelta(seconds=seconds), "bridge", name)


def process(*requests: Event[Requested], limits: Limits = LIMITS) -> tuple[History | None, list[Event[Verdict]]]:
    history, verdicts = None, []
    for offset, request in enumerate(requests):
        verdict = judge(history, request, Origin(0, offset), limits)
        history = evolve(history, verdict, limits)
        verdicts.append(verdict)
    return history, verdicts


def outcomes(*requests: Event[Requested]) -> list[str]:
    words = []
    for verdict in process(*requests)[1]:
        match verdict.body:
            case Accepted():
                words.append("accepted")
            case Suppressed(reason=reason):
                words.append(reason)
            case Repeated():
                words.append("repeated")
    return words


@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [(0, "duplicate"), (299, "duplicate"), (299.999, "duplicate"), (300, "accepted"), (301, "accepted")],
)
def test_the_same_like_is_a_duplicate_for_300_seconds_from_first_sight(seconds: float, outcome: str) -> None:
    assert outcomes(like("a", 0), like("b", seconds)) == ["accepted", outcome]


def test_a_duplicate_names_what_it_repeats_and_does_not_extend_the_window() -> None:
    _, verdicts = process(like("a", 0), like("b", 200), like("c", 301))
    assert [type(verdict.body) for verdict in verdicts] == [Accepted, Suppressed, Accepted]
    assert isinstance(verdicts[1].body, Suppressed)
    assert verdicts[1].body.duplicate_of == "a"


def test_however_often_it_is_repeated_the_window_is_that_of_the_first_sight() -> None:
    repeats = [like(f"r{second}", second) for second in range(30, 300, 30)]
    _, verdicts = process(like("a", 0), *repeats, like("b", 300), like("c", 599.999), like("d", 600))
    assert [verdict.notification for verdict in verdicts if isinstance(verdict.body, Accepted)] == ["a", "b", "d"]
    named = [verdict.body.duplicate_of for verdict in verdicts if isinstance(verdict.body, Suppressed)]
    assert named == [*["a"] * 9, "b"]


def test_the_first_two_in_ten_seconds_pass_and_the_third_does_not() -> None:
    requests = [like("a", 0, "x"), like("b", 0, "y"), like("c", 0, "z")]
    assert outcomes(*requests[:1]) == ["accepted"]
    assert outcomes(*requests[:2]) == ["accepted", "accepted"]
    assert outcomes(*requests) == ["accepted", "accepted", "rate-limited"]


@pytest.mark.parametrize(("seconds", "outcome"), [(9.999, "rate-limited"), (10, "accepted"), (10.001, "accepted")])
def test_the_third_accepted_within_10_seconds_is_throttled(seconds: float, outcome: str) -> None:
    requests = [like("a", 0, "x"), like("b", 1, "y"), like("c", seconds, "z")]
    assert outcomes(*requests) == ["accepted", "accepted", outcome]


def test_the_window_slides_over_accepted_requests_only() -> None:
    requests = [like("a", 0, "x"), like("b", 9, "y"), like("c", 9.5, "z"), like("d", 10.5, "z"), like("e", 11, "v")]
    assert outcomes(*requests) == ["accepted", "accepted", "rate-limited", "accepted", "rate-limited"]


def test_throttled_requests_do_not_arm_the_window_again() -> None:
    requests = [like(f"n{tenth}", tenth / 10, f"user{tenth}") for tenth in range(250)]
    verdicts = process(*requests, limits=replace(LIMITS, cool_off_after=1000))[1]
    accepted = [verdict.time - START for verdict in verdicts if isinstance(verdict.body, Accepted)]
    assert [time.total_seconds() for time in accepted] == [0, 0.1, 10, 10.1, 20, 20.1]


def test_an_actor_that_is_refused_ten_times_in_a_minute_is_cooled_off_for_five() -> None:
    pounding = [like(f"n{second}", second, f"user{second}") for second in range(14)]
    history, verdicts = process(*pounding)
    told = [verdict.body.reason if isinstance(verdict.body, Suppressed) else "accepted" for verdict in verdicts]
    assert told == ["accepted"] * 2 + ["rate-limited"] * 8 + ["accepted"] * 2 + ["rate-limited"] * 2
    assert history is not None
    assert history.cooled == START + timedelta(seconds=313)
    later = [like("a", 14, "x"), like("b", 312.999, "y"), like("c", 313, "z")]
    assert outcomes(*pounding, *later)[-3:] == ["cooled-off", "cooled-off", "accepted"]
    _, verdicts = process(*pounding, *later)
    assert isinstance(verdicts[-2].body, Suppressed)
    assert verdicts[-2].body.until == START + timedelta(seconds=313)


def test_what_is_refused_during_a_cool_off_does_not_lengthen_it_and_lifting_ends_it() -> None:
    history, _ = process(*(like(f"n{second}", second, f"user{second}") for second in range(14)))
    refused = judge(history, like("a", 20, "x"), Origin(0, 0), LIMITS)
    after = evolve(history, refused, LIMITS)
    assert after is not None
    assert after.cooled == START + timedelta(seconds=313)
    free = lifted(after, START + timedelta(seconds=21), LIMITS)
    assert isinstance(judge(free, like("b", 22, "y"), Origin(0, 1), LIMITS).body, Accepted)


def test_refusals_more_than_a_minute_apart_cool_nobody_off() -> None:
    bursts = [like(f"n{number}", 61 * (number // 11) + number % 11 / 10, f"u{number}") for number in range(33)]
    history, _ = process(*bursts)
    assert history is not None
    assert history.cooled is None


def test_all_kinds_of_an_actor_share_one_limit() -> None:
    requests = [like("a", 0), like("b", 1, activity="FOLLOW"), like("c", 2, activity="SHARE")]
    assert outcomes(*requests) == ["accepted", "accepted", "rate-limited"]


def test_duplicates_cost_nothing_of_the_limit_and_are_named_before_it() -> None:
    requests = [like("a", 0), like("b", 1), like("c", 2), like("d", 3, "y"), like("e", 4, "z"), like("f", 5, "y")]
    assert outcomes(*requests) == ["accepted", "duplicate", "duplicate", "accepted", "rate-limited", "duplicate"]


def test_what_was_throttled_is_no_duplicate_of_itself_and_has_its_window_from_when_it_was_accepted() -> None:
    throttled = [like("c", 2, "z"), like("d", 9.999, "z")]
    accepted, repeats = like("e", 10, "z"), [like("f", 302, "z"), like("g", 309.999, "z"), like("h", 310, "z")]
    _, verdicts = process(like("a", 0, "x"), like("b", 1, "y"), *throttled, accepted, *repeats)
    reasons = [verdict.body.reason if isinstance(verdict.body, Suppressed) else None for verdict in verdicts]
    assert reasons == [None, None, "rate-limited", "rate-limited", None, "duplicate", "duplicate", None]
    assert all(
        verdict.body.duplicate_of == "e"
        for verdict in verdicts
        if isinstance(verdict.body, Suppressed) and verdict.body.reason == "duplicate"
    )


def test_a_throttled_request_names_nothing_that_it_repeats() -> None:
    _, verdicts = process(like("a", 0, "x"), like("b", 0, "y"), like("c", 0, "z"))
    assert isinstance(verdicts[2].body, Suppressed)
    assert verdicts[2].body.duplicate_of is None


def test_a_throttled_request_poisons_no_dedupe_window() -> None:
    requests = [like("a", 0, "x"), like("b", 0, "y"), like("c", 1, "z"), like("d", 11, "z")]
    assert outcomes(*requests) == ["accepted", "accepted", "rate-limited", "accepted"]


def test_another_kind_target_or_post_is_another_notification() -> None:
    assert outcomes(like("a", 0), like("b", 0, activity="COMMENT")) == ["accepted", "accepted"]


def test_requests_without_an_actor_are_deduped_by_id_alone() -> None:
    assert outcomes(email("a", 0), email("a", 1)) == ["accepted", "repeated"]


def test_a_redelivered_request_is_repeated_even_after_being_suppressed() -> None:
    assert outcomes(like("a", 0), like("b", 1), like("b", 400)) == ["accepted", "duplicate", "repeated"]


def test_an_id_is_remembered_for_an_hour() -> None:
    assert outcomes(like("a", 0), like("z", 3599, "y"), like("a", 3599)) == ["accepted", "accepted", "repeated"]
    assert outcomes(like("a", 0), like("z", 3600, "y"), like("a", 3600)) == ["accepted", "accepted", "accepted"]


def test_time_never_runs_back_for_an_actor() -> None:
    _, verdicts = process(like("a", 100, "x"), like("b", 50, "y"))
    assert verdicts[1].time == START + timedelta(seconds=100)


def test_an_outcome_names_the_record_it_answers() -> None:
    _, verdicts = process(email("a", 0), email("a", 0))
    assert isinstance(verdicts[0].body, Accepted)
    assert isinstance(verdicts[1].body, Repeated)
    assert (verdicts[0].body.origin, verdicts[1].body.origin) == (Origin(0, 0), Origin(0, 1))
    assert verdicts[1].id == "a:repeated:0.1"


@pytest.mark.parametrize(
    ("activity", "priority"),
    [
        ("LIKE", "transactional"),
        ("COMMENT", "transactional"),
        ("MENTION", "transactional"),
        ("SHARE", "promotional"),
        ("FOLLOW", "promotional"),
    ],
)
def test_likes_comments_and_mentions_are_transactional(activity: Activity, priority: str) -> None:
    assert priority_of(like("a", 0, activity=activity).body.request) == priority


def test_other_requests_are_transactional_unless_they_say_otherwise() -> None:
    assert priority_of(email("a", 0).body.request) == "transactional"
    assert priority_of(email("a", 0, "promotional").body.request) == "promotional"


def test_a_flooding_actor_s_history_stays_small() -> None:
    history, _ = process(*(like(f"n{number}", number / 1000) for number in range(3 * MAX_REFUSED)))
    assert history is not None
    assert len(history.refused) == MAX_REFUSED
    assert len(msgspec.json.encode(history)) < 32 * 1024


def test_a_history_survives_its_changelog_and_may_be_forgotten_an_hour_after_the_last_request() -> None:
    history, _ = process(like("a", 0), like("b", 7, "y"), like("c", 8))
    assert history is not None
    assert msgspec.json.decode(msgspec.json.encode(history), type=History) == history
    assert expires(history) == START + timedelta(seconds=3608)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 700), st.sampled_from("xyz")), max_size=60))
def test_accepted_likes_never_break_the_limits(made: list[tuple[str, int, str]]) -> None:
    _, verdicts = process(*(like(f"{name}{number}", at, name) for number, (name, at, _) in enumerate(made)))
    accepted = [verdict for verdict in verdicts if isinstance(verdict.body, Accepted)]
    for index, verdict in enumerate(accepted):
        before = accepted[:index]
        assert sum(verdict.time - other.time < LIMITS.rate_window for other in before) < LIMITS.rate_limit
        same = [other for other in before if other.body == verdict.body]
        assert all(verdict.time - other.time >= LIMITS.dedupe_window for other in same)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 700)), max_size=60))
def test_requests_that_come_again_are_all_recognised(made: list[tuple[str, int]]) -> None:
    requests = [like(f"{name}{at}", at, name) for name, at in made]
    history, _ = process(*requests)
    for request in requests:
        assert isinstance(judge(history, request, Origin(0, 99), LIMITS).body, Repeated)
