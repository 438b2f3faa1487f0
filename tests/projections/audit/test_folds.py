"""The audit of NotificationHistory, StatusTally and RecipientPreferences: every document, from the log alone."""

from pathlib import Path

import pytest

from projections.audit import folds
from projections.audit.folds import Folds
from projections.audit.letters import Letters
from projections.audit.story import Skipped
from projections.past import history, tallies
from projections.position import Place
from streams.events import Body, Event, PersonalPreferences, PreferencesSet
from streams.settings import Settings
from tests.projections.audit.test_audit import audited, found
from tests.projections.lives import event, items, many
from tests.projections.stored import opened as database

AT_ONCE = 17


def preferred(recipient: str, version: int) -> Event[Body]:
    body = PreferencesSet(version, PersonalPreferences(recipient, ()), (), ("sms",), None, "ada", "")
    return event(body, f"preferences:{recipient}", version)


LOG = [*many(40), preferred("ada", 1), preferred("ada", 2), preferred("bob", 1)]


def expected(folder: Path, held: int, letters: Letters | None = None) -> dict[tuple[str, str], int]:
    log = items(LOG)
    made = Folds(folder, 0, letters or Letters(), held=held)
    for begin in range(0, len(log), AT_ONCE):
        made.take(log[begin : begin + AT_ONCE])
    prints = {(one.part, one.id): one.print for one in made.expected()}
    made.close()
    return prints


def test_what_memory_has_no_room_for_comes_to_the_same(tmp_path: Path) -> None:
    everything = expected(tmp_path, 1000)
    assert expected(tmp_path, 2) == everything
    assert {part for part, _ in everything} == folds.AUDITED.keys()


def test_preferences_that_went_to_the_dead_letters_are_not_expected(tmp_path: Path) -> None:
    lettered = Letters({Place(0, len(LOG) - 1): Skipped.ALL})
    without = expected(tmp_path, 1000).keys() - expected(tmp_path, 1000, lettered).keys()
    assert without == {("RecipientPreferences", "bob")}


@pytest.mark.integration
@pytest.mark.parametrize("name", [history.PROJECTION, tallies.PROJECTION])
async def test_a_deleted_a_changed_and_an_added_document_are_named(worked_off: Settings, name: str) -> None:
    async with database(worked_off) as base:
        deleted, changed, placeless, copied = await base[name].find().sort("_id").limit(4).to_list()
        await base[name].delete_one({"_id": deleted["_id"]})
        await base[name].update_one({"_id": changed["_id"]}, {"$set": {"more": 1}})
        await base[name].update_one({"_id": placeless["_id"]}, {"$unset": {"offset": 1}})
        await base[name].insert_one(copied | {"_id": "nobody's"})
    report = await audited(worked_off)
    assert set(found(report)) == {
        ("document-missing", f"{name} {deleted['_id']}"),
        ("document-differs", f"{name} {changed['_id']}"),
        ("document-differs", f"{name} {placeless['_id']}"),
        ("document-unexpected", f"{name} nobody's"),
    }
    assert report.stored[name] != report.digests[name]
