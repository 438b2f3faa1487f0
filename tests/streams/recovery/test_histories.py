"""Admit's table made again from its outcomes is the one it held, wherever the outcomes lie."""

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from streams.admit import Admit, State
from streams.clock import milliseconds
from streams.codec import encode
from streams.events import Body, Event, Origin, Personal, Request, Requested, Sending
from streams.folding.table import Rows, Shard
from streams.recovery import histories
from streams.recovery.histories import NEAR, Histories
from streams.rules.admission import History, evolve, judge
from streams.topics import EVENTS
from tests.support.numbers import LIMITS

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = Rows(Admit(LIMITS), "changelog")


def requested(actor: str | None, number: int, seconds: float) -> Event[Requested]:
    activity = None if actor is None else "LIKE"
    personal = Personal(f"user{number % 3}", "hello", None, actor, "post")
    request = Request("email", f"key{number % 3}", 5, personal, activity)  # type: ignore[arg-type]
    return Event(Requested(request), f"n{number}", START + timedelta(seconds=seconds), "test", "c")


def admitted(requests: Sequence[Event[Requested]]) -> tuple[dict[bytes, History], list[Event[Body]]]:
    """What admit holds after these, and the outcomes, in their order."""
    histories: dict[bytes, History] = {}
    outcomes: list[Event[Body]] = []
    for offset, request in enumerate(requests):
        key = (request.body.request.personal.actor or request.notification).encode()
        verdict = judge(histories.get(key), request, Origin(0, offset), LIMITS)
        after = evolve(histories.get(key), verdict, LIMITS)
        assert after is not None
        histories[key] = after
        outcomes.append(verdict)
    return histories, outcomes


def gathered(outcomes: Sequence[Event[Body]], committed: dict[int, int] | None = None) -> tuple[Shard[State], int]:
    histories = Histories(ROWS, LIMITS, committed or {}, 1)
    for offset, outcome in enumerate(outcomes):
        stamp = milliseconds(outcome.time)
        histories.add(ConsumerRecord(EVENTS, 0, offset, stamp, 0, b"k", encode(outcome), None, 0, 0, ()))
    shard = Shard(ROWS, 0)
    for row in histories.rows(0):
        assert row.key is not None
        shard.load(row.key, row.value, row.id)
    return shard, histories.partitions[0].applied()


asked = st.lists(
    st.tuples(st.sampled_from(["ada", "bob", None]), st.integers(0, 8), st.integers(0, 40)), min_size=1, max_size=40
)


@given(asked, st.integers())
def test_the_table_is_the_same_in_whatever_order_the_log_has_them(
    told: list[tuple[str | None, int, int]], seed: int
) -> None:
    held, outcomes = admitted([requested(*one) for one in told])
    mixed = list(outcomes)
    random.Random(seed).shuffle(mixed)
    shard, applied = gathered(mixed)
    assert {key: entry.state for key, entry in shard.entries.items()} == held
    assert applied == len(told)


def test_outcomes_that_were_written_twice_count_once() -> None:
    held, outcomes = admitted([requested("ada", number, number * 20) for number in range(4)])
    shard, applied = gathered([*outcomes, *outcomes])
    assert ({key: entry.state for key, entry in shard.entries.items()}, applied) == (held, 4)


def test_a_request_that_a_crash_left_without_an_outcome_is_judged_and_the_others_are_guarded() -> None:
    _, outcomes = admitted([requested(f"actor{number}", number, number) for number in range(10)])
    shard, applied = gathered([outcome for number, outcome in enumerate(outcomes) if number != 6])
    assert applied == 6
    assert all(shard.entries[b"actor%d" % number].at == number for number in range(10) if number != 6)


def test_where_admit_had_committed_it_goes_on() -> None:
    _, outcomes = admitted([requested(None, number, number) for number in range(10)])
    assert gathered(outcomes, {0: 7})[1] == 7


def test_what_no_rule_can_ask_for_is_left_out_unless_it_may_be_read_again() -> None:
    hours = itertools.count(step=3600 * 2)
    _, outcomes = admitted([requested(None, number, next(hours)) for number in range(5)])
    assert set(gathered(outcomes, {0: 3})[0].entries) == {b"n3", b"n4"}
    assert len(gathered(outcomes)[0].entries) == min(5, NEAR)


def test_what_no_rule_can_ask_for_is_dropped_while_reading_whatever_lies_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(histories, "TIDY_EVERY", 3)
    read = Histories(ROWS, LIMITS, {0: 1000}, 1)
    _, outcomes = admitted([requested(None, number, number * 3600 * 24 * 40) for number in range(30)])
    offset = itertools.count()
    for outcome in outcomes:
        for event in (outcome, outcome.then(Sending(1, START, ""), "deliver")):
            stamp = milliseconds(outcome.time)
            read.add(ConsumerRecord(EVENTS, 0, next(offset), stamp, 0, b"k", encode(event), None, 0, 0, ()))
    assert len(read.partitions[0].decided) < 5
