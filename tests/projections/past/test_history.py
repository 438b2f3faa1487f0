from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.past import history
from projections.past.history import History, Step, document, folded, restored, since_1970, standing_at
from projections.position import Place
from projections.present import jobs
from projections.present.jobs import Standing, changes
from projections.reading import Item
from streams.events import Queued, SendFailed, Sending, Sent
from tests.projections.lives import Events, accepted, at, event, items, life, suppressed

OUTCOMES = st.text("sfdl", max_size=5)


@st.composite
def logs(draw: st.DrawFn) -> Events:
    """A life of which some events came late, or again; it begins with its first."""
    outcomes = draw(OUTCOMES)
    first, *rest = life(draw(st.sampled_from([accepted("n"), suppressed("n")])), outcomes + "sa" * draw(st.booleans()))
    chance = draw(st.randoms(use_true_random=True))
    late = [one for one in rest if chance.random() < 0.3]
    told = [first, *(one for one in rest if one not in late)]
    for one in late:
        told.insert(chance.randint(1, len(told)), one)
    for one in [one for one in told if chance.random() < 0.2]:
        told.insert(chance.randint(told.index(one) + 1, len(told)), one)
    return told


def batches(told: list[Item], cuts: list[int], known: History | None = None) -> tuple[History | None, list[Step]]:
    """The story and its steps, folded in batches that end before these events."""
    steps: list[Step] = []
    for begin, end in pairwise([0, *sorted(cuts), len(told)]):
        after, moved = folded({} if known is None else {known.subject: known}, told[begin:end])
        known = next(iter(after.values()), known)
        steps += moved.get(0, [])
    return known, steps


def story(told: list[Item], known: History | None = None) -> History:
    found, _ = batches(told, [], known)
    assert found is not None
    return found


def fold(told: list[Item]) -> Standing | None:
    """NotificationJob's own."""
    standing = None
    for one, place in told:
        standing = jobs.evolve(standing, one, place)
    return standing


def shown(standing: Standing | None) -> dict[str, Any] | None:
    return None if standing is None else changes(standing)


@given(logs(), st.integers(-1000, 60_000))
def test_as_of_any_time_is_the_fold_of_what_had_happened_by_then(told: Events, late: int) -> None:
    time = since_1970(at(late / 1000))
    happened = [item for item in items(told) if since_1970(item.event.time) <= time]
    assert shown(standing_at(story(items(told)), time)) == shown(fold(happened))


@given(logs())
def test_as_of_now_is_the_present_document(told: Events) -> None:
    assert shown(standing_at(story(items(told)))) == shown(fold(items(told)))


@given(logs())
def test_a_notification_that_has_not_changed_since_is_as_it_was(told: Events) -> None:
    found = story(items(told))
    assert found.standing is not None
    assert shown(standing_at(found, since_1970(found.standing.updated))) == shown(found.standing)


@given(logs())
def test_the_steps_of_all_events_together_are_the_status_at_any_time(told: Events) -> None:
    found, moved = batches(items(told), [])
    for time in {since_1970(one.time) + late for one in told for late in (-1, 0)}:
        counts = Counter[str]()
        for step in moved:
            counts[step.status] += step.change * (step.time <= time)
        standing = standing_at(found, time) if found else None
        assert +counts == ({standing.status: 1} if standing else {})
        assert not -counts


@given(logs(), st.integers(0, 40), st.integers(0, 40))
def test_a_story_that_was_stored_goes_on_as_one_that_was_not(told: Events, cut: int, back: int) -> None:
    whole, log = story(items(told)), items(told)
    cut = max(1, min(cut, len(log)))
    found = story(log[max(0, cut - back) :], restored(document(story(log[:cut]))))
    assert document(found) == document(whole)
    assert (found.newest, shown(found.standing)) == (whole.newest, shown(whole.standing))


@given(logs(), st.data())
def test_a_story_does_not_depend_on_where_batches_end(told: Events, data: st.DataObject) -> None:
    log = items(told)
    cuts = data.draw(st.lists(st.integers(0, len(log)), max_size=5))
    whole, steps = batches(log, [])
    found, moved = batches(log, cuts)
    one_by_one, single = batches(log, list(range(len(log))))
    assert found is not None
    assert found == whole == one_by_one
    assert moved == steps == single


@given(logs())
def test_two_folds_that_share_what_moves_come_to_the_same(told: Events) -> None:
    log, shared = items(told), jobs.Shared()
    standing: Standing | None = None
    for one, place in log:
        standing = shared(standing, one, place)
    assert standing == fold(log)
    assert folded({}, log, shared) == folded({}, log)


def test_an_outcome_that_came_late_counts_from_when_it_happened() -> None:
    told = life(accepted("n"), "lf")
    late = event(Sent(1), seconds=0.2)
    found = story(items([*told, late]))
    assert [_status(found, seconds) for seconds in (0.15, 0.2, 15, 30)] == ["sending", "sent", "sent", "sent"]
    assert _status(story(items(told)), 16) == "retrying"


def test_an_event_that_comes_late_and_changes_nothing_now_changes_what_was() -> None:
    told = [accepted("n"), event(Sending(1, at(20), "w"), seconds=6), event(Queued(1, "l"), seconds=5)]
    found = story(items(told))
    assert [_status(found, seconds) for seconds in (4, 5, 6)] == ["pending", "queued", "sending"]


def test_a_story_holds_nothing_personal() -> None:
    stored = str(document(story(items(life(accepted("n"), "fs")))))
    assert "ada@example.org" not in stored
    assert "hello" not in stored
    assert "4711" not in stored


def test_events_of_nobody_and_those_in_another_partition_are_no_story() -> None:
    assert folded({}, [Item(event(Sent(1)), Place(0, 0))]) == ({}, {})
    found = story(items([accepted("n")]))
    assert folded({"n": found}, [Item(event(Sent(1)), Place(1, 7))]) == ({}, {})


def test_a_story_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_SIZE", 10_000)
    told = [accepted("n"), *(event(SendFailed(number, "no" * 300)) for number in range(1, 1000))]
    assert len(document(story(items(told)))["told"]) < 12_000


def test_events_come_out_of_a_story_as_they_were_but_for_what_is_personal() -> None:
    told = [one for one in life(accepted("n"), "dlfsa") if not hasattr(one.body, "request")]
    log = [accepted("n"), *told]
    again = [one for one, _ in history.events(restored(document(story(items(log)))))]
    assert again[1:] == told


def _status(found: History, seconds: float) -> str | None:
    standing = standing_at(found, since_1970(at(seconds)))
    return None if standing is None else standing.status


@given(logs())
def test_an_event_that_comes_again_is_told_once(told: Events) -> None:
    names = [one.name for one in story(items([*told, *told])).told]
    assert sorted(names) == sorted({one.id.removeprefix("n") for one in told})


def test_what_a_newer_program_told_is_kept_and_passed_over() -> None:
    told = document(story(items(life(accepted("n"), "s"))))
    newer = told | {"told": told["told"].replace(":sending:1", ":beamed:1")}
    found = restored(newer)
    assert [one.name for one in found.told][2] == ":beamed:1"
    assert shown(found.standing) == shown(story(items(life(accepted("n"), "s"))).standing)
    assert len(list(history.events(found))) == len(found.told) - 1
