"""Read models that others add, on a real database: whatever is cut off, they end as a straight fold tells."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from projections import keyed
from projections.mongo import positions
from projections.mongo.connection import POSITIONS, database
from projections.mongo.errors import Conflict, Unavailable
from projections.mongo.writing import insert, replace_all, update
from projections.position import Document
from streams.events import Body, Event
from streams.exits import Refused
from streams.settings import Settings
from streams.topics import EVENTS
from tests.projections import kinds
from tests.projections.lives import many
from tests.projections.past.taken import LOG, half, newer, raws

MODEL = cast("keyed.Model", kinds)
NAME = "Kinds_3"


async def stored(base: Any) -> dict[str, Document]:  # noqa: ANN401 - the driver's
    return {one["key"]: one async for one in base[NAME].find()}


def wanted(told: list[Event[Body]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for event in told:
        name = type(event.body).__name__
        found[name] = found.get(name, 0) + 1
    return found


async def test_each_key_has_a_document_in_each_partition_that_tells_of_it(settings: Settings) -> None:
    told = many(10)
    async with database(settings, patience=10) as base:
        projector = keyed.KeyedProjector(base, MODEL, LOG)
        assert await projector.open([0, 1]) == {(EVENTS, 0): 0, (EVENTS, 1): 0}
        await projector.project([*raws(told), *raws(told[:1], partition=1)])
        found = {one["_id"]: one["count"] async for one in base[NAME].find()}
        assert found == {f"0:{key}": count for key, count in wanted(told).items()} | {f"1:{kinds.key(told[0])}": 1}
        assert projector.following() == {(EVENTS, 0): len(told), (EVENTS, 1): 1}


@pytest.mark.parametrize("name", [NAME, POSITIONS])
async def test_cut_off_in_the_middle_of_any_write_nothing_counts_twice(
    settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = many(30)
    async with database(settings, patience=10) as base:
        projector = keyed.KeyedProjector(base, MODEL, LOG)
        await projector.open([0])
        await projector.project(raws(told[:40]))
        with monkeypatch.context() as broken:
            for where, write in ((keyed, insert), (keyed, replace_all), (positions, insert), (positions, update)):
                broken.setattr(where, write.__name__, half(write, name))
            with pytest.raises(Unavailable, match="cut off"):
                await projector.project(raws(told[40:110], first=40))
        assert await projector.open([0]) == {(EVENTS, 0): 40}
        await projector.project(raws(told[40:70], first=40))
        await projector.project(raws(told[70:], first=70))
        assert {key: one["count"] for key, one in (await stored(base)).items()} == wanted(told)


async def test_of_two_that_take_the_same_one_has_to_read_again(settings: Settings) -> None:
    told = many(20)
    async with database(settings, patience=10) as base:
        one, other = (keyed.KeyedProjector(base, MODEL, LOG) for _ in range(2))
        for projector in (one, other):
            await projector.open([0])
        await one.project(raws(told[:50]))
        with pytest.raises(Conflict):
            await other.project(raws(told[:60]))
        with pytest.raises(Conflict):
            await other.check()
        await other.open([0])
        await other.project(raws(told[50:], first=50))
        assert {key: one["count"] for key, one in (await stored(base)).items()} == wanted(told)


async def test_events_of_a_newer_program_are_left_out_and_counted(settings: Settings) -> None:
    told = many(3)
    async with database(settings, patience=10) as base:
        projector = keyed.KeyedProjector(base, MODEL, LOG)
        await projector.open([0])
        await projector.project([newer(0), *raws(told[:5], first=1)])
        await projector.project([*raws(told[5:], first=6), newer(len(told) + 1)])
        assert projector.skipped == 2
        assert {key: one["count"] for key, one in (await stored(base)).items()} == wanted(told)
        assert (await base[POSITIONS].find_one({"_id": f"{NAME}:0"}) or {})["skipped"] == 2


async def test_a_field_that_is_left_out_is_gone_wherever_batches_end(settings: Settings) -> None:
    def first_only(known: Document, event: Event[Body]) -> Document:
        return {"last": event.id} if known else {"first": event.id}

    model = cast("keyed.Model", SimpleNamespace(PROJECTION="Firsts", VERSION=1, key=kinds.key, evolve=first_only))
    told = many(20)
    async with database(settings, patience=10) as base:
        projector = keyed.KeyedProjector(base, model, LOG)
        await projector.open([0])
        for start in range(0, len(told), 7):
            await projector.project(raws(told[start : start + 7], first=start))
        found = {one["key"]: one async for one in base["Firsts_1"].find()}
    often = [key for key, count in wanted(told).items() if count > 1]
    assert often
    assert all(("first" in found[key], "last" in found[key]) == (False, True) for key in often)


@pytest.mark.parametrize("name", ["NotificationJob", "StatusTally"])
def test_a_name_that_is_taken_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = SimpleNamespace(PROJECTION=name, VERSION=2, key=kinds.key, evolve=kinds.evolve)
    monkeypatch.setattr(keyed, "module", lambda *_: taken)
    with pytest.raises(Refused, match=f"two read models called {name}"):
        keyed.models(Settings(read_models=["somewhere"]))
