"""Records into the read models of the log on a real database, without a broker."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from projections.mongo.connection import database
from projections.position import Document, key
from projections.present import preferences
from projections.present.reads import Reads
from projections.present.store import OWN_NAMES
from projections.projectors import log_projector
from streams.events import Body, Event, PersonalPreferences, PreferencesSet
from streams.letters.dead_letters import Source, read
from streams.record import Record
from streams.settings import Settings
from tests.projections.lives import accepted, event, life
from tests.projections.past.taken import LOG, raws


@dataclass
class Letters:
    """Where they go."""

    sources: list[Source] = field(default_factory=list)

    async def publish(self, records: Sequence[Record]) -> None:
        self.sources += [read(record.value).letter.source for record in records]


def preferred(recipient: str, version: int, why: str = "") -> Event[Body]:
    body = PreferencesSet(version, PersonalPreferences(recipient), why=why)
    return event(body, f"preferences:{recipient}", version)


async def test_preferences_that_can_t_be_stored_are_lettered_and_all_else_is_taken_in(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = preferences.document

    def document(of: Event[PreferencesSet]) -> Document:
        return written(of) | ({"more": 1 << 70} if of.body.why == "too much" else {})

    monkeypatch.setattr(preferences, "document", document)
    told = [preferred("ada", 1), *life(accepted("ada")), preferred("ada", 2, "too much"), preferred("bob", 3)]
    bad = len(told) - 2
    async with database(settings, patience=10) as base:
        letters, reads = Letters(), Reads(base)
        projector = log_projector(base, OWN_NAMES, letters, LOG)
        await projector.open([0])
        await projector.project(raws(told))
        assert [(source.partition, source.offset) for source in letters.sources] == [(0, bad)]
        set_ = {name: await reads.preferences(name) for name in ("ada", "bob")}
        job, positions = await reads.job("ada"), await reads.positions()
    assert {name: one and one["version"] for name, one in set_.items()} == {"ada": 1, "bob": 3}
    assert job is not None
    assert job["status"] == "sent"
    assert positions[key(preferences.PROJECTION, 0)]["offset"] == len(told) - 1
