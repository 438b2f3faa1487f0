"""What a rebuild puts on record for who looks at it from elsewhere."""

import asyncio
from typing import cast

import pytest

from projections.copies.copies import alone, begun
from projections.mongo.connection import Database, database
from projections.rebuild import record
from projections.rebuild.desk import Desk
from projections.rebuild.gate import Compared, Difference
from projections.rebuild.rebuild import Options, rebuild
from projections.rebuild.record import CUT_SHORT, Field, Recording, recorded, told
from streams import clock
from streams.settings import Settings
from tests.projections.lives import many
from tests.projections.rebuild.given import ADA, Seen
from tests.projections.stored import projecting, publish, until_caught_up

NAME = "NotificationJob"
POINTER = begun(alone(NAME, 3), 3)


def recording(watcher: Seen) -> tuple[Recording, record.Rebuild]:
    made = record.Rebuild(clock.EPOCH, "ada", "")
    return Recording(watcher, {NAME: made}), made


def test_what_it_hears_it_passes_on_and_remembers() -> None:
    seen = Seen()
    heard, rebuild = recording(seen)
    heard.begin("folding", 100)
    heard.done(40)
    assert (rebuild.part, rebuild.count, rebuild.total) == ("folding", 40, 100)
    heard.begin("comparing")
    assert (rebuild.part, rebuild.count, rebuild.total) == ("comparing", 0, None)
    heard.folded(100, 2.04)
    assert (rebuild.folded, seen.parts) == (record.Folded(100, 2.0), [("folding", 100), ("comparing", None)])
    heard.moved(POINTER)
    heard.ended({NAME: []})
    assert (rebuild.moved, rebuild.state, seen.moves) == (True, "done", [NAME])


async def test_while_a_person_is_asked_it_says_so() -> None:
    class Asked(Seen):
        async def wanted(self, pointer: object) -> bool:  # noqa: ARG002
            states.append(rebuild.state)
            return False

    states: list[str] = []
    heard, rebuild = recording(Asked())
    assert not await heard.wanted(POINTER)
    assert [*states, rebuild.state] == ["asking", "running"]


def test_differences_are_kept_field_by_field_and_cut() -> None:
    heard, rebuild = recording(Seen())
    compared = Compared(same_version=True, limit=2, digests={"live": "aa", "other": "bb"}, ahead=1)
    compared.documents.update({"live": 2, "other": 1})
    long = "x" * 500
    compared.add(Difference("differs", "n", {"_id": "n", "attempts": 1}, {"_id": "n", "attempts": 2, "message": long}))
    compared.add(Difference("missing", "m", {"_id": "m"}, None))
    heard.compared(POINTER, compared)
    found = rebuild.compared
    assert found is not None
    assert (found.live, found.other, found.unexplained, found.ahead) == (NAME, f"{NAME}_2", 2, 1)
    assert found.kinds == {"differs": 1, "missing": 1}
    differs, missing = found.first
    assert differs.fields == [Field("attempts", "1", "2"), Field("message", "-", told(long))]
    assert len(told(long)) == record.WIDE
    assert missing.fields == [Field("", "there", "missing")]


async def test_no_two_writes_are_under_way_at_once_and_the_last_tells_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, written, first = 0, list[str](), asyncio.Event()

    async def write(_: object, heard: Recording) -> None:
        nonlocal under_way
        assert under_way == 0
        under_way += 1
        written.append(heard.rebuilds[NAME].state)
        first.set()
        await asyncio.to_thread(lambda: None)
        under_way -= 1

    monkeypatch.setattr(record, "_write", write)
    async with recorded(cast("Database", None), [NAME], ADA, Seen()) as heard:
        await first.wait()
        heard.ended({NAME: []})
    assert written == ["running", "done"]


async def only(base: Database) -> record.Rebuild:
    return (await record.read(base))[NAME]


@pytest.mark.integration
async def test_a_rebuild_is_on_record_from_its_first_second_to_its_end(settings: Settings) -> None:
    await publish(settings, many(60))
    async with projecting(settings):
        await until_caught_up(settings)
    async with Desk.open(settings, ADA) as desk:
        async with recorded(desk.base, [NAME], ADA, Seen()) as heard:
            heard.ended(await rebuild(desk, [NAME], Options(), heard))
        stored = await only(desk.base)
    assert stored == heard.rebuilds[NAME]
    assert (stored.state, stored.moved, stored.by, stored.why) == ("done", True, *ADA)
    assert stored.compared is not None
    assert stored.compared.documents["live"] == stored.compared.documents["other"] > 0
    assert stored.folded is not None
    assert stored.folded.events > 0


@pytest.mark.integration
async def test_one_that_fails_or_is_cut_short_says_so(settings: Settings) -> None:
    async with database(settings, patience=10) as base:
        with pytest.raises(RuntimeError):
            async with recorded(base, [NAME], ADA, Seen()):
                raise RuntimeError("no copy of this version")
        failed = await only(base)
        assert (failed.state, failed.reasons) == ("failed", ["no copy of this version"])

        started = asyncio.Event()

        async def endless() -> None:
            async with recorded(base, [NAME], ADA, Seen()) as heard:
                heard.begin("folding", 10)
                started.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(endless())
        await started.wait()
        task.cancel()
        await asyncio.wait([task])
        cut = await only(base)
        assert (cut.state, cut.reasons, cut.part) == ("failed", [CUT_SHORT], "folding")
