"""What the store guards, on a real database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from projections.models import family
from projections.mongo.connection import database
from projections.mongo.errors import Conflict, Unavailable, Unstorable
from projections.mongo.positions import Positions, StoredPositions, Track
from projections.position import Document, LogIdentity, Place, Position
from projections.present import jobs, story
from projections.present.batch import fold, moving
from projections.present.preferences import newest
from projections.present.reads import Reads
from projections.present.store import Store
from projections.writes import Update
from streams.events import PersonalPreferences, PreferencesSet
from streams.settings import Settings
from tests.projections.lives import Events, accepted, event, items, life
from tests.projections.stored import contents

LOG = LogIdentity("cluster", "topic")
START = {0: Position()}


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with database(settings, patience=10) as base:
        yield Store(base)


@pytest.fixture
async def reads(settings: Settings) -> AsyncIterator[Reads]:
    async with database(settings, patience=10) as base:
        yield Reads(base)


def documents(events: Events) -> list[Document]:
    return fold(moving(items(events), START), {}, START, {0: len(events)}).documents


async def test_a_stored_notification_stands_where_it_stood(store: Store) -> None:
    log = items(life(accepted("n"), "fs"))
    writes = fold(moving(log, START), {}, START, {0: len(log)})
    await store.write(writes.documents, [], [])
    found = await store.standings(["n", "nobody"])
    assert found.keys() == {"n"}
    assert jobs.changes(found["n"]) == jobs.changes(writes.standings["n"])


async def test_a_new_document_that_exists_is_a_conflict_and_stays_as_it_is(store: Store, settings: Settings) -> None:
    await store.write(documents(life(accepted("n"), "s")), [], [])
    with pytest.raises(Conflict):
        await store.write(documents([accepted("n"), accepted("other", 1)]), [], [])
    assert {name: one["status"] for name, one in (await contents(settings)).jobs.items()} == {
        "n": "sent",
        "other": "pending",
    }


async def test_a_change_of_a_document_that_moved_meanwhile_is_a_conflict(store: Store, settings: Settings) -> None:
    await store.write(documents([accepted("n"), accepted("other", 1)]), [], [])
    sent = {"status": "sent"}
    with pytest.raises(Conflict):
        await store.write(
            [], [Update("n", {"fold.position": 7}, sent), Update("other", {"fold.position": 1}, sent)], []
        )
    assert {name: one["status"] for name, one in (await contents(settings)).jobs.items()} == {
        "n": "pending",
        "other": "sent",
    }


async def test_of_two_that_write_the_same_at_once_no_more_than_one_gets_its_way(store: Store) -> None:
    names = [f"n{number}" for number in range(100)]
    await store.write(documents([accepted(name, number) for number, name in enumerate(names)]), [], [])
    sent = [Update(name, {"status": "pending"}, {"status": "sent"}) for name in names]
    results = await asyncio.gather(*(store.write([], sent, []) for _ in range(2)), return_exceptions=True)
    assert Conflict in set(map(type, results)) <= {Conflict, type(None)}


async def test_an_entry_that_exists_is_the_same_one(store: Store, settings: Settings) -> None:
    lines = [line for event, place in items(life(accepted("n"), "s")) if (line := story.entry(event, place))]
    await store.write([], [], lines[:2])
    await store.write([], [], lines)
    assert list((await contents(settings)).entries.values()) == lines


async def test_what_bson_can_t_hold_is_told_by_notification(store: Store) -> None:
    good, bad = documents([accepted("good"), accepted("bad", 1)])
    with pytest.raises(Unstorable) as raised:
        await store.write([good, bad | {"metadata": {"n": 1 << 70}}], [], [])
    assert raised.value.culprits == {"bad"}


async def test_preferences_that_bson_can_t_hold_are_told_by_place_and_none_are_stored(
    store: Store, reads: Reads
) -> None:
    set_, *_ = newest(items([event(PreferencesSet(1, PersonalPreferences("ada")), "preferences:ada")]))
    bad = set_ | {"_id": "bob", "by": {"": 1 << 70}, "position": Place(2, 7)._asdict()}
    with pytest.raises(Unstorable) as raised:
        await store.prefer([set_, bad])
    assert raised.value.culprits == {Place(2, 7)}
    assert await reads.preferences("ada") is None


async def test_notifications_are_counted_over_all_partitions(settings: Settings, reads: Reads) -> None:
    async with database(settings, patience=10) as base:
        positions = Positions(StoredPositions(base, family("present"), LOG, Position))
        await positions.open([0, 1])
        counts = ({"sent": 2, "failed": 1}, {"sent": 3})
        await positions.advance({Track(jobs.PROJECTION, part): Position(5, counts[part]) for part in (0, 1)})
    assert await reads.counts() == {"sent": 5, "failed": 1}


async def test_a_database_that_is_away_is_unavailable(settings: Settings) -> None:
    async with database(settings.model_copy(update={"mongo_url": "mongodb://127.0.0.1:1/"}), patience=0.1) as base:
        with pytest.raises(Unavailable, match="MongoDB: "):
            await Store(base).standings(["n"])
