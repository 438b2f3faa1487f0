"""That the harness sees harm where there is some."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.ledger import Calls, Ledger, longest_gap
from tests.chaos.page import page, span
from tests.chaos.row import Row, increase

pytestmark = pytest.mark.unit
DEADLINE = "2026-01-01T00:00:15Z"


def told(*events: tuple[str, str, int]) -> Ledger:
    """A ledger of these (kind, notification, dispatch), in order."""
    ledger = Ledger("nowhere:1")
    for offset, (kind, name, dispatch) in enumerate(events):
        data = {"dispatch": dispatch} | ({"deadline": DEADLINE} if kind == "sending" else {})
        event = {"type": f"tidings.notification.{kind}.v1", "subject": name, "data": data}
        ledger._read(json.dumps(event).encode(), float(offset), (0, offset))
    return ledger


def called(folder: Path, *calls: tuple[str, str, int]) -> Calls:
    """A provider's record of these (call, notification, dispatch)."""
    record = folder / "calls"
    lines = [json.dumps({"call": call, "notification": name, "dispatch": dispatch}) for call, name, dispatch in calls]
    record.write_text("".join(f"{line}\n" for line in lines))
    return Calls.read(record, 0)


def row(**facts: Any) -> Row:  # noqa: ANN401 - any of its fields
    """One without harm but for these facts."""
    return Row("a fault", 300, **({"held": 300, "offered": 300, "recovery": 1.0} | facts))


def test_what_was_accepted_and_has_no_final_status_is_open() -> None:
    ledger = told(
        ("accepted", "a", 0), ("accepted", "b", 0), ("sent", "b", 1), ("accepted", "c", 0), ("failed", "c", 5)
    )
    assert ledger.open == {"a"}


def test_a_second_success_is_explained_by_the_loss_of_one_of_the_dispatches(tmp_path: Path) -> None:
    calls = called(tmp_path, ("sent", "a", 1), ("sent", "a", 2))
    assert calls.doubled(told(("send-lost", "a", 1))) == (1, [])
    assert calls.doubled(told(("send-lost", "a", 2))) == (1, [])
    assert calls.doubled(told(("send-lost", "b", 1))) == (0, ["a"])


def test_one_loss_does_not_explain_two_more_successes(tmp_path: Path) -> None:
    calls = called(tmp_path, ("sent", "a", 1), ("sent", "a", 2), ("sent", "a", 3))
    assert calls.doubled(told(("send-lost", "a", 1))) == (1, ["a"])


def test_a_call_that_the_log_does_not_announce_and_one_made_twice_are_seen(tmp_path: Path) -> None:
    calls = called(tmp_path, ("begun", "a", 1), ("begun", "b", 1), ("begun", "b", 1))
    assert calls.unannounced(told(("sending", "b", 1))) == [("a", 1)]
    assert calls.repeated() == [("b", 1)]


def test_only_what_is_new_in_the_provider_s_record_counts(tmp_path: Path) -> None:
    called(tmp_path, ("begun", "a", 1), ("begun", "b", 1))
    first = len((tmp_path / "calls").read_bytes().splitlines(keepends=True)[0])
    assert Calls.read(tmp_path / "calls", first).begun == [("b", 1)]


def test_poison_on_the_log_is_counted_and_passed_over() -> None:
    ledger = Ledger("nowhere:1")
    for value in (
        b"\xff",
        b"",
        None,
        b"[]",
        b"{}",
        b'{"a": ' * 5000,
        b'{"type": 1}',
        b'{"type": "a.b.c.d", "subject": "x", "data": 1}',
    ):
        ledger._read(value, 0.0, (0, 0))
    assert ledger.unreadable == 8


def test_the_longest_gap_counts_from_the_beginning_and_past_the_end() -> None:
    assert longest_gap([1.0, 2.0, 4.5, 9.0], since=1.5, until=8.0) == 4.5
    assert longest_gap([], since=1.0, until=8.0) == 7.0
    assert longest_gap([20.0], since=1.0, until=8.0) == 19.0


@pytest.mark.parametrize(
    ("facts", "harm"),
    [
        ({}, set()),
        ({"lost": ["a"]}, {"lost"}),
        ({"explained": 51}, {"doubles, though explained"}),
        ({"held": 200}, {"too little load"}),
        ({"held": 200, "door_shut": True}, set()),
        ({"recovery": None}, {"nothing new is sent any more"}),
        ({"broken": "it did not refuse"}, {"not as expected"}),
        ({"audit": {"clean": True, "kinds": [], "findings": []}}, set()),
        ({"audit": {"clean": False, "kinds": ["stuck"], "findings": ["x"]}}, {"audit"}),
        ({"audit": {"clean": False, "kinds": [], "findings": []}}, {"audit"}),
        ({"audit": {"clean": False, "kinds": ["hole"], "findings": ["x"]}, "holed": True}, set()),
        ({"audit": {"clean": True, "kinds": [], "findings": []}, "holed": True}, {"audit"}),
    ],
)
def test_harm_is_named(facts: dict[str, Any], harm: set[str]) -> None:
    assert row(**facts).harm.keys() == harm


def test_runs_are_merged_into_ranges(tmp_path: Path) -> None:
    results = tmp_path / "run.jsonl"
    row(stall=1.5, accepted=1000).log(results)
    row(stall=2.5, accepted=1000).log(results)
    runs = [[json.loads(line)] for line in results.read_text().splitlines()]
    text = page(runs, "{runs} {table} {harm}")
    assert "| a fault | 2 | 300 | 300 | 1,000 | " in text
    assert "| 1.5 - 2.5 |" in text
    assert span([None, 2.0]) == "-, 2.0"


@pytest.mark.parametrize(
    ("before", "after", "rose"), [(3, 5, 2), (3, 3, 0), (3, 1, 1), (None, 4, 4), (3, None, None), (None, None, None)]
)
def test_a_counter_rises_from_where_it_was_or_from_nothing(
    before: float | None, after: float | None, rose: float | None
) -> None:
    assert increase(before, after) == rose
