"""The audit of what was withheld and held: how it is counted, and what a held one owes."""

from pathlib import Path

import pytest

from streams.clock import milliseconds
from streams.events import CameDue, Event, Held, PersonalPreferences, PreferencesSet, Queued, Sent, Withheld
from tests.projections.audit.given import TOLERANCE, Audited, audited, born
from tests.projections.lives import PREFERRED, Events, at, event, life

OFF, QUIET = PREFERRED[5], PREFERRED[6]
END = milliseconds(at(300))


def held(seconds: float = 0) -> Events:
    """Up to its hold."""
    told = life(born(seconds=seconds), preferred=QUIET)
    return told[: next(number for number, one in enumerate(told) if isinstance(one.body, Held)) + 1]


def counts(seen: Audited) -> tuple[int, ...]:
    return tuple(seen.result.counts[name] for name in ("accepted", "sent", "failed", "withheld", "open"))


def test_a_withheld_one_has_ended(tmp_path: Path) -> None:
    seen = audited(life(born(), preferred=OFF), tmp_path)
    assert (seen.findings, counts(seen)) == ([], (1, 0, 0, 1, 0))
    assert seen.result.statuses == {"suppressed": 1}


def test_a_held_one_is_open_and_waits_for_its_time(tmp_path: Path) -> None:
    seen = audited(held(), tmp_path, now=END + TOLERANCE)
    assert (seen.findings, counts(seen)) == ([], (1, 0, 0, 0, 1))
    assert (seen.result.statuses, seen.rows["n"].waits) == ({"pending": 1}, None)


def test_a_held_one_whose_time_has_passed_unheard_is_stuck(tmp_path: Path) -> None:
    (finding,) = audited(held(), tmp_path, now=END + TOLERANCE + 1).findings
    assert finding.kind == "stuck"
    assert "the hold of dispatch 0 was due at 2026-01-01T00:05:00.000Z" in finding.detail


@pytest.mark.parametrize("outcomes", ["s", "fs", "fff", "ds", "ls", "sa"])
def test_a_life_with_a_hold_is_clean(outcomes: str, tmp_path: Path) -> None:
    seen = audited(life(born(), outcomes, QUIET), tmp_path)
    assert seen.findings == []
    assert seen.result.counts["sent"] + seen.result.counts["failed"] == 1


def test_holds_that_follow_each_other_are_told_apart_and_repeats_are_not_counted(tmp_path: Path) -> None:
    first = held()
    again: Event[Held] = first[-1].then(Held(2, 0, at(600), "p"), "lifecycle", at(300))
    due = again.then(CameDue(0, "hold", 2), "lifecycle", at(600))
    told: Events = [*first, again, due, due.then(Queued(1, "notification-attempts.email.transactional"), "lifecycle")]
    once, twice = audited(told, tmp_path), audited([*told, *told], tmp_path)
    assert once.result.kinds["held"] == twice.result.kinds["held"] == 2
    assert (once.rows["n"].lines, once.rows["n"].tale) == (twice.rows["n"].lines, twice.rows["n"].tale)
    assert once.rows["n"].lines == 4  # created, held, held, queued
    assert twice.findings == []


def test_what_recipients_set_is_counted_and_is_no_notification(tmp_path: Path) -> None:
    said = event(PreferencesSet(1, PersonalPreferences("ada")), "preferences:ada")
    seen = audited([said, *life(born(), preferred=OFF)], tmp_path)
    assert (seen.findings, seen.result.counts["preferencesSet"]) == ([], 1)
    assert seen.rows.keys() == {"n"}


def test_a_retry_that_is_withheld_has_ended_and_a_late_success_wins_over_it(tmp_path: Path) -> None:
    lost = life(born(), "l")
    due = next(one for one in reversed(lost) if isinstance(one.body, CameDue))
    withheld = due.then(Withheld(1, "channel-off", "p"), "lifecycle")
    told: Events = [*lost[: lost.index(due) + 1], withheld]
    seen = audited(told, tmp_path)
    assert (seen.findings, counts(seen)) == ([], (1, 0, 0, 1, 0))
    seen = audited([*told, due.then(Sent(1), "deliver", at(99))], tmp_path)
    assert (seen.findings, counts(seen)) == ([], (1, 1, 0, 0, 0))
