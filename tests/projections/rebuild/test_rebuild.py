"""Rebuilds on real servers: readers notice nothing, whatever happens meanwhile."""

import asyncio
import signal

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete

from projections import fingerprints
from projections.copies import layers
from projections.copies.copies import Impossible, begun, led
from projections.copies.places import following
from projections.copies.pointers import Pointers
from projections.fingerprints import plain
from projections.models import family
from projections.mongo.connection import Database, database
from projections.present import jobs
from projections.rebuild import folding, keeping
from projections.rebuild.desk import Desk
from projections.rebuild.keeping import Kept
from projections.rebuild.switch import CalledOff
from streams.exits import Refused
from streams.operations import CopyDropped, CutOver, RolledBack
from streams.settings import Settings
from streams.topics import EVENTS
from tests.projections.letters.test_runner import letter
from tests.projections.letters.test_runner import publish as write
from tests.projections.lives import many
from tests.projections.rebuild.given import (
    ADA,
    BOTH,
    OTHERWISE,
    PROJECTING,
    Seen,
    dropped,
    gone_back,
    line,
    loaded,
    made_again,
    operated,
    pointer,
    program,
    read_all,
    rebuilding,
    watched,
)
from tests.projections.stored import expected, opened, projecting, publish, until, until_caught_up
from tests.support import kafka
from tests.support.broker import admin

pytestmark = pytest.mark.integration


async def worked_off(settings: Settings, count: int = 60) -> None:
    """A log, and read models that have folded it; nobody is at work any more."""
    await publish(settings, many(count))
    async with projecting(settings):
        await until_caught_up(settings)


async def until_live_has_all(settings: Settings) -> None:
    """Returns once readers find what a straight fold of the log says."""
    should = await expected(settings)

    async def reached() -> bool:
        found, lines = await read_all(settings)
        return found.keys() == should.jobs.keys() and lines == should.entries

    await until(reached)
    found, _ = await read_all(settings)
    for name, document in should.jobs.items():
        assert found[name] == plain(document)


async def until_moving(settings: Settings, copy: str) -> None:
    """Returns once somebody folds it."""
    async with database(settings, patience=10) as base:
        before = await following(base, copy)

        async def moved() -> bool:
            return await following(base, copy) != before

        await until(moved)


async def test_readers_notice_nothing_of_a_rebuild_and_a_roll_back_under_load(settings: Settings) -> None:
    await publish(settings, many(200))
    async with projecting(settings):
        await until_caught_up(settings)
        async with watched(settings) as readers, loaded(settings):
            seen, refused = await made_again(settings)
            assert (refused, seen.moves) == ({name: [] for name in BOTH}, [f"{name}_2" for name in BOTH])
            assert sum(compared.documents["live"] for compared in seen.comparisons.values()) > 200
            await asyncio.sleep(1)
            assert (await gone_back(settings)).moves == list(BOTH)
            await asyncio.sleep(1)
        await until_live_has_all(settings)
    assert all(reader.copies == {"NotificationJob", "NotificationJob_2"} for reader in readers)
    assert all(reader.answers > 100 for reader in readers)
    assert [type(done) for done in await operated(settings)] == [CutOver, CutOver, RolledBack, RolledBack]


async def test_a_changed_fold_is_put_in_place_and_taken_back_under_load(settings: Settings) -> None:
    await worked_off(settings, 200)
    async with watched(settings) as readers, loaded(settings):
        async with projecting(settings):
            await until_moving(settings, "NotificationJob")
            with program(settings, OTHERWISE, rebuilding("NotificationJob")) as other:
                assert await line(other) == "restart NotificationJob_2"
                await asyncio.sleep(1)
                over = await pointer(settings)
                assert (over.live.version, over.other and over.other.version) == (99, jobs.VERSION)
                found, _ = await read_all(settings)
                assert {document["colour"] for document in found.values()} == {"blue"}
                assert (await asyncio.to_thread(other.communicate, "", 30))[0] == "done\n"
        with program(settings, OTHERWISE, PROJECTING):
            await until_moving(settings, "NotificationJob_2")
            assert (await gone_back(settings, "NotificationJob")).restarted == ["NotificationJob"]
        async with projecting(settings):
            await asyncio.sleep(1)
    async with projecting(settings):
        await until_live_has_all(settings)
    assert all(reader.copies == {"NotificationJob", "NotificationJob_2"} for reader in readers)
    cut, back = await operated(settings)
    assert isinstance(cut, CutOver)
    assert (cut.version, cut.accepted) == (99, 0)
    assert cut.differences > 200
    assert back == RolledBack("NotificationJob", "NotificationJob_2", "NotificationJob", jobs.VERSION)


async def test_a_copy_that_gets_no_nearer_to_the_log_is_not_gone_over_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await worked_off(settings)
    monkeypatch.setattr(keeping, "STANDSTILL", 0.5)
    async with Desk.open(settings, ADA) as desk:
        await made_again(settings, "NotificationJob")
        await publish(settings, many(3, "later"))
        nobody_folds = Kept((await desk.read(["NotificationJob"]))["NotificationJob"])
        with pytest.raises(CalledOff, match="events behind the log and gets no nearer"):
            await keeping.caught_up(desk, nobody_folds, 1, Seen())


KILLED = """
import os, signal
from projections.mongo.positions import Positions
from projections.rebuild import folding, keeping
from projections.rebuild.desk import Desk
folding.AT_ONCE = 50
advance, moves = Positions.advance, []

async def count_and_die(self, made):
    await advance(self, made)
    moves.append(made)
    if len(moves) == 4:
        os.kill(os.getpid(), signal.SIGKILL)

Positions.advance = count_and_die
"""


async def test_one_that_was_killed_goes_on_where_it_was(settings: Settings) -> None:
    await worked_off(settings)
    with program(settings, KILLED, rebuilding(*BOTH)) as killed:
        assert await asyncio.to_thread(killed.wait, 60) == -signal.SIGKILL
    seen, refused = await made_again(settings)
    assert refused == {name: [] for name in BOTH}
    total = len(await kafka.read(settings.kafka_url, EVENTS))
    left = dict(seen.parts)["folding NotificationJob and NotificationLog"]
    assert left is not None
    assert 0 < left < total - 100
    await until_live_has_all(settings)
    assert all(compared.digests["live"] == compared.digests["other"] for compared in seen.comparisons.values())


async def test_a_wrong_fold_is_refused_unless_somebody_accepts_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await worked_off(settings)
    before = await read_all(settings)
    right = jobs.changes
    monkeypatch.setattr("projections.present.batch.changes", lambda now: right(now) | {"attempts": 7})
    monkeypatch.setattr("projections.present.jobs.changes", lambda now: right(now) | {"attempts": 7})
    seen, refused = await made_again(settings)
    (why,) = refused["NotificationJob"]
    assert why.startswith("60 differences that nothing explains")
    assert refused["NotificationLog"] == []
    first = seen.comparisons["NotificationJob"].first[0]
    assert first.live is not None
    assert first.other is not None
    assert first.live["attempts"] != first.other["attempts"] == 7
    assert (await read_all(settings))[0] == before[0]
    _, refused = await made_again(settings, "NotificationJob", accept=True)
    assert refused == {"NotificationJob": []}
    assert {document["attempts"] for document in (await read_all(settings))[0].values()} == {7}
    *_, cut = await operated(settings)
    assert isinstance(cut, CutOver)
    assert (cut.differences, cut.accepted) == (60, 60)


async def test_two_rebuilds_have_the_same_digests_in_however_many_processes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await worked_off(settings)
    first, _ = await made_again(settings)
    await dropped(settings)
    monkeypatch.setattr(folding, "ALONE", 0)
    second, _ = await made_again(settings)
    assert second.moves == [f"{name}_3" for name in BOTH]
    for name in BOTH:
        digests = {*first.comparisons[name].digests.values(), *second.comparisons[name].digests.values()}
        assert len(digests) == 1
        assert first.comparisons[name].digests.keys() == {"live", "other"}
    stored = sum(fingerprints.job(document) for document in (await expected(settings)).jobs.values())
    digest = (stored & fingerprints.MASK).to_bytes(fingerprints.SIZE, "big").hex()
    assert second.comparisons["NotificationJob"].digests["other"] == digest


async def test_what_is_missing_or_was_changed_in_the_live_copy_is_told_and_mended(settings: Settings) -> None:
    await worked_off(settings)
    async with opened(settings) as base:
        await base.NotificationJob.delete_one({"_id": "n3"})
        await base.NotificationJob.update_one({"_id": "n4"}, {"$set": {"message": "other"}})
        await base.NotificationLog.insert_one((await base.NotificationLog.find_one()) | {"_id": "nobody's"})
    seen, refused = await made_again(settings)
    assert all(refused.values())
    assert {(one.kind, one.id) for one in seen.comparisons["NotificationJob"].first} == {
        ("added", "n3"),
        ("differs", "n4"),
    }
    assert [(one.kind, one.id) for one in seen.comparisons["NotificationLog"].first] == [("missing", "nobody's")]
    await made_again(settings, accept=True)
    await until_live_has_all(settings)


async def test_a_copy_that_is_not_wanted_waits_and_dropped_leaves_nothing(settings: Settings) -> None:
    await worked_off(settings)
    await made_again(settings, seen=Seen(wants=False))
    assert (await pointer(settings)).live.name == "NotificationJob"
    with pytest.raises(Impossible, match="NotificationJob_2 was never live"):
        await gone_back(settings, "NotificationJob")
    await dropped(settings)
    async with opened(settings) as base:
        assert not [name for name in await base.list_collection_names() if name.endswith("_2")]
        assert not await base.positions.count_documents({"projection": {"$regex": "_2$"}})
    assert await operated(settings) == [
        CopyDropped(name, f"{name}_2", version) for name, version in family("present").items() if name in BOTH
    ]


async def test_dead_letters_are_made_again_too(settings: Settings) -> None:
    await publish(settings, many(9))
    async with projecting(settings):
        for number in range(5):
            await write(settings, letter(number))

        async def all_there() -> bool:
            async with opened(settings) as base:
                return bool(await base.DeadLetter.count_documents({"state": "open"}) == 5)

        await until(all_there)
        seen, refused = await made_again(settings, "DeadLetter")
        assert refused == {"DeadLetter": []}
        assert seen.comparisons["DeadLetter"].documents == {"live": 5, "other": 5}
        assert (await gone_back(settings, "DeadLetter")).moves == ["DeadLetter"]


async def test_a_letter_that_does_not_say_how_far_it_is_folded_is_told_and_mended(settings: Settings) -> None:
    await publish(settings, many(9))
    await write(settings, letter(0))
    async with projecting(settings):

        async def there() -> bool:
            async with opened(settings) as base:
                found = await base.DeadLetter.update_one({"state": "open"}, {"$unset": {"fold.taken": 1}})
                return bool(found.modified_count == 1)

        await until(there)
        seen, refused = await made_again(settings, "DeadLetter")
        assert [one.kind for one in seen.comparisons["DeadLetter"].first] == ["differs"]
        assert refused["DeadLetter"]
        await made_again(settings, "DeadLetter", accept=True)
    async with opened(settings) as base:
        assert (await base.DeadLetter_2.find_one())["fold"]["taken"]


async def test_a_copy_that_was_made_to_lead_and_left_alone_is_called_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "LEADER_PATIENCE", 0.5)
    await worked_off(settings)
    async with projecting(settings):
        async with database(settings, patience=10) as base:
            await left_alone(base)
        await publish(settings, many(20, "later"))
        await until_caught_up(settings)
    assert (await pointer(settings)).leading == "NotificationJob"
    await until_live_has_all(settings)


async def left_alone(base: Database) -> None:
    """A shadow of another version leads, and whoever folded it is dead."""
    pointers = Pointers(base)
    before = (await pointers.read(["NotificationJob"]))["NotificationJob"]
    shadowed = begun(before, 99)
    await pointers.write(before, shadowed)
    await pointers.write(shadowed, led(shadowed, followed=False))


async def test_a_log_that_lost_its_beginning_is_not_folded_again(settings: Settings) -> None:
    await worked_off(settings)
    async with admin(settings.kafka_url) as client:
        await client.delete_records({TopicPartition(EVENTS, 0): RecordsToDelete(before_offset=5)})
    with pytest.raises(Refused, match="the log has lost records that a copy needs"):
        await made_again(settings)
    assert (await pointer(settings)).live.name == "NotificationJob"
