import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from streams.codec import Undecodable, UnknownType, encode
from streams.events import Body, CameDue, Event
from streams.folding.outcome import Judge, Outcome
from streams.folding.rule import Incoming, Reaction
from streams.folding.table import Entry, Rows
from streams.record import Record
from streams.topics import DEAD_LETTERS, MAX_RECORD_BYTES

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
STAMP = int(NOW.timestamp() * 1000) + 5


class State(msgspec.Struct, frozen=True):
    text: str


class Answering:
    """Reacts as it is told to."""

    table, state, version = "states", State, 1

    def __init__(self, answer: Callable[[State | None], Reaction[State]], key: bytes = b"n") -> None:
        self._answer, self._key = answer, key

    def key(self, _: Event[Body], __: Incoming) -> bytes:
        return self._key

    def reads(self, _: Event[Body], __: Incoming) -> Sequence[bytes]:
        return ()

    def react(self, state: State | None, _: Event[Body], __: Incoming, ___: Mapping[bytes, State]) -> Reaction[State]:
        return self._answer(state)

    def expires(self, _: State) -> datetime | None:
        return None

    def due(self, _: State) -> datetime | None:
        return None

    def wait(self, _: State, now: datetime) -> timedelta:
        raise NotImplementedError(now)

    def command(self, _: State, now: datetime) -> Event[Body]:
        return Event(CameDue(1, "retry"), "n", now, "s", "c")


EVENT = encode(Event(CameDue(1, "retry"), "n", NOW, "s", "c"))
OUT = Record("out", b"r", b"{}", 2, "id")


def judged(
    answer: Callable[[State | None], Reaction[State]],
    value: bytes | None = EVENT,
    known: Entry[State] | None = None,
    key: bytes = b"n",
) -> Outcome[State]:
    rule = Answering(answer, key)
    judge = Judge(rule, Rows(rule, "states-changelog"), "lifecycle")
    return judge.judge(Incoming("events", 2, 42, b"r", value), STAMP, lambda _, __: known)


def letter(outcome: Outcome[State]) -> Any:  # noqa: ANN401 - JSON
    assert outcome.letter
    assert not outcome.lanes
    assert outcome.change is None
    (record,) = outcome.log
    assert (record.topic, record.id) == (DEAD_LETTERS, "dead:events:2.42")
    return json.loads(record.value or b"")["data"]


def test_a_reaction_comes_out_with_the_row_of_its_state() -> None:
    outcome = judged(lambda _: Reaction(State("new"), [OUT], [OUT._replace(topic="lane")]))
    assert (outcome.log, outcome.lanes, outcome.time) == ([OUT], [OUT._replace(topic="lane")], NOW)
    assert outcome.change is not None
    assert (outcome.change.key, outcome.change.entry.at) == (b"n", 42)
    assert outcome.change.row == Record("states-changelog", b"n", b'{"v":1,"at":42,"state":{"text":"new"}}', 2)


def test_the_watermark_never_runs_ahead_of_the_record() -> None:
    early = encode(Event(CameDue(1, "retry"), "n", NOW + timedelta(days=900), "s", "c"))
    assert judged(lambda _: Reaction(), early).time == NOW + timedelta(milliseconds=5)


@pytest.mark.parametrize(("at", "guarded"), [(41, False), (42, True), (43, True)])
def test_an_event_that_the_state_has_seen_is_skipped(at: int, guarded: bool) -> None:
    outcome = judged(lambda _: Reaction(None, [OUT]), known=Entry(State("old"), at, b"", None, None))
    assert (outcome.guarded, outcome.log) == (guarded, () if guarded else [OUT])


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"[]", b'{"type":"somebody.elses"}'])
def test_what_is_no_event_is_a_dead_letter(value: bytes | None) -> None:
    assert letter(judged(lambda _: Reaction(), value))["reason"] == "undecodable"


def test_an_event_that_the_rule_does_not_take_is_a_dead_letter() -> None:
    def refuse(_: State | None) -> Reaction[State]:
        raise Undecodable("expected a request")

    assert letter(judged(refuse)).items() >= {"reason": "invalid", "error": "expected a request"}.items()


def test_an_event_from_a_newer_program_is_not_passed_over() -> None:
    with pytest.raises(UnknownType, match="upgrade"):
        judged(lambda _: Reaction(), EVENT.replace(b"came-due.v1", b"came-due.v2"))


def test_a_rule_that_fails_leaves_a_dead_letter_with_the_traceback_and_the_state_as_it_was() -> None:
    def fail(_: State | None) -> Reaction[State]:
        raise ZeroDivisionError("by nought")

    told = letter(judged(fail))
    assert told["reason"] == "rule-failed"
    assert "ZeroDivisionError: by nought" in told["error"]
    assert "test_outcome.py" in told["error"]


def test_a_reaction_that_no_broker_takes_is_a_dead_letter_as_a_whole() -> None:
    huge = "x" * MAX_RECORD_BYTES
    assert (
        letter(judged(lambda _: Reaction(State("new"), [OUT, OUT._replace(value=huge.encode())])))["reason"]
        == "oversized"
    )
    assert (
        letter(judged(lambda _: Reaction(State("new"), [], [OUT._replace(value=huge.encode())])))["reason"]
        == "oversized"
    )
    assert letter(judged(lambda _: Reaction(State(huge), [OUT])))["reason"] == "oversized"


def test_a_state_under_a_reserved_key_is_not_kept() -> None:
    told = letter(judged(lambda _: Reaction(State("new")), key=b"\x00applied"))
    assert "does not begin with" in told["error"]
