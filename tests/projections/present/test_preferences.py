"""What the read models show of preferences, and of what was withheld or held for them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.position import Document
from projections.present import story
from projections.present.jobs import Standing, changes, document, evolve, restored
from projections.present.preferences import document as preferences_of
from projections.present.preferences import newest
from streams.events import Accepted, Event, Held, PersonalPreferences, PreferencesSet, QuietHours, Sent, Withheld
from streams.rules.preferences import Preferences
from tests.projections.lives import PREFERRED, Events, accepted, at, event, items, life

OFF, QUIET = PREFERRED[5], PREFERRED[6]
MOMENT = QuietHours("00:00", "00:01", "UTC")


def fold(events: Events) -> Standing:
    standing = None
    for one, place in items(events):
        standing = evolve(standing, one, place)
    assert standing is not None
    return standing


def stored(events: Events) -> Document:
    first, place = items(events)[0]
    assert isinstance(first.body, Accepted)
    return document(first, first.body, place, fold(events))


def lines(events: Events) -> list[tuple[str, dict[str, Any]]]:
    entries = [story.entry(one, place) for one, place in items(events)]
    return [(entry["event"], entry["details"]) for entry in entries if entry]


def test_a_withheld_one_is_suppressed_and_says_why() -> None:
    told = life(accepted("n"), preferred=OFF)
    job = stored(told)
    assert (job["status"], job["reason"], job["attempts"]) == ("suppressed", "channel-off", 0)
    assert lines(told)[1:] == [("withheld", {"reason": "channel-off", "preferences": OFF.id})]


def test_a_held_one_is_pending_and_says_until_when() -> None:
    told = life(accepted("n"), preferred=QUIET)
    held = next(number for number, one in enumerate(told) if isinstance(one.body, Held)) + 1
    before, after = stored(told[:held]), stored(told)
    assert (before["status"], before["heldUntil"], after["status"]) == ("pending", at(300), "sent")
    assert lines(told)[1] == ("held", {"notBefore": at(300), "preferences": QUIET.id})
    assert [name for name, _ in lines(told)] == ["created", "held", "queued", "sending", "sent"]


def test_sent_wins_over_withheld_and_the_reason_stays_told() -> None:
    told = [accepted("n"), event(Withheld(1, "actor-muted", "p")), event(Sent(1), seconds=3)]
    job = stored(told)
    assert (job["status"], job["reason"]) == ("sent", "actor-muted")
    ((_, _), (_, _), (late, place)) = items(told)
    assert changes(evolve(restored(stored(told[:2])), late, place) or fold(told)) == changes(fold(told))


@given(st.text("sfdl", max_size=4), st.sampled_from([*PREFERRED.values()]), st.integers(0, 9), st.integers(0, 9))
def test_what_is_stored_is_enough_to_go_on_and_what_comes_again_changes_nothing(
    outcomes: str, preferred: Preferences, first: int, count: int
) -> None:
    told = life(accepted("n"), outcomes, preferred)
    again = told[first : first + count]
    assert stored([*told, *again, *again]) == stored(told)
    for cut in range(1, len(told)):
        standing = restored(stored(told[:cut]))
        for one, place in items(told)[cut:]:
            standing = evolve(standing, one, place) or standing
        assert changes(standing) == changes(fold(told))


def preferred(version: int, recipient: str = "ada", **more: Any) -> Event[PreferencesSet]:  # noqa: ANN401
    body = PreferencesSet(version, PersonalPreferences(recipient, ("eve",)), by="ada", why="enough", **more)
    return event(body, f"preferences:{recipient}")  # type: ignore[return-value]


def test_a_document_has_all_that_was_set() -> None:
    assert preferences_of(preferred(7, types_off=("LIKE",), quiet_hours=MOMENT)) == {
        "_id": "ada",
        "version": 7,
        "event": "preferences:ada:preferences-set:7",
        "since": at(0),
        "typesOff": ["LIKE"],
        "channelsOff": [],
        "mutedActors": ["eve"],
        "quietHours": {"from": "00:00", "to": "00:01", "zone": "UTC"},
        "by": "ada",
        "why": "enough",
    }


def test_of_one_that_was_written_twice_the_last_place_counts_wherever_batches_end() -> None:
    first, again = items([preferred(1), preferred(1)])
    assert newest([first, again]) == newest([again])


@pytest.mark.parametrize("versions", [(1, 2, 3), (3, 1, 2), (3, 3, 1)])
def test_the_newest_of_each_recipient_is_written_once(versions: tuple[int, ...]) -> None:
    told: Events = [preferred(version) for version in versions]
    found = newest(items([*told, preferred(1, "bob"), accepted("n")]))
    assert [(one["_id"], one["version"]) for one in found] == [("ada", 3), ("bob", 1)]
