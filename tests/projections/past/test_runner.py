"""Stories and sums on real servers: whatever is killed, they end as a straight fold of the log tells."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError

from projections.mongo import positions
from projections.mongo.connection import POSITIONS, database
from projections.mongo.errors import Conflict, Unavailable
from projections.mongo.writing import insert, update
from projections.past import history, tallies
from projections.past import store as past_store
from projections.past.reads import Past, moving_at
from projections.present import jobs
from projections.present.jobs import Standing, changes
from projections.reading import Item, read
from projections.schema import declare
from streams.clock import EPOCH
from streams.settings import Settings
from streams.topics import EVENTS
from tests.projections.killable import KillableMongo
from tests.projections.lives import at, items, many
from tests.projections.past.taken import half, newer, past_projector, raws
from tests.projections.stored import opened, projecting, publish, until
from tests.support import kafka

TIMES = [at(seconds) for seconds in (-1, 0, 0.15, 2.2, 7.25, 12.9, 16, 31.4, 3600)]


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[KillableMongo]:
    server = KillableMongo(tmp_path)
    server.start()
    yield server
    server.stop()


async def on_the_log(settings: Settings) -> list[Item]:
    """The log."""
    return [one for record in await kafka.read(settings.kafka_url, EVENTS) if isinstance(one := read(record), Item)]


async def until_folded(settings: Settings) -> None:
    """Returns once all that is on the log is in the stories."""
    ends = {place.partition: place.offset for _, place in await on_the_log(settings)}

    async def folded() -> bool:
        with suppress(PyMongoError):
            async with opened(settings) as base:
                found = base.positions.find({"projection": history.PROJECTION})
                offsets = {one["partition"]: one["offset"] async for one in found}
            return all(offsets.get(part) == end for part, end in ends.items())
        return False

    await until(folded)


async def check(settings: Settings) -> None:
    """As `compare`, with what is on the log."""
    async with database(settings, patience=10) as base:
        await compare(Past(base), await on_the_log(settings))


async def compare(past: Past, log: list[Item]) -> None:
    """The past at many times, and every notification then, are a fold of what had happened."""
    stories = await past.histories({event.notification for event, _ in log})
    for time in TIMES:
        wanted: dict[str, Standing] = {}
        for event, place in log:
            after = jobs.evolve(wanted.get(event.notification), event, place) if event.time <= time else None
            wanted |= {event.notification: after} if after else {}
        assert await past.counts(time) == Counter(one.status for one in wanted.values()), time
        then = {name: moving_at(story, EPOCH, time) for name, story in stories.items()}
        assert {name: fields for name, fields in then.items() if fields} == {
            name: {key: value for key, value in changes(one).items() if key != "fold"} for name, one in wanted.items()
        }, time


async def test_the_past_is_the_fold_of_what_had_happened_by_then(settings: Settings) -> None:
    told = many(60)
    async with projecting(settings):
        await publish(settings, told[:120])
        await until_folded(settings)
        await publish(settings, told[120:])
        await publish(settings, told[30:90])
        await until_folded(settings)
    await check(settings)


async def test_folded_again_from_the_beginning_nothing_counts_twice(settings: Settings) -> None:
    await publish(settings, many(30))
    async with projecting(settings):
        await until_folded(settings)
        async with opened(settings) as base:
            await base[history.PROJECTION].delete_many({"told": {"$regex": "sent"}})
            await base.positions.delete_many({"projection": history.PROJECTION})
        await until_folded(settings)
    await check(settings)


async def test_a_database_that_is_killed_under_load_ends_with_the_right_past(
    settings: Settings, mongo: KillableMongo
) -> None:
    settings = settings.model_copy(update={"mongo_url": mongo.url})
    await declare(settings)
    told = many(100)
    async with projecting(settings):
        for start in range(0, len(told), 100):
            await publish(settings, told[start : start + 100])
            if start % 200 == 100:
                mongo.kill()
                await asyncio.to_thread(mongo.start)
        await until_folded(settings)
    await check(settings)


async def test_a_database_that_lost_its_tail_gets_it_again(settings: Settings, mongo: KillableMongo) -> None:
    settings = settings.model_copy(update={"mongo_url": mongo.url})
    await declare(settings)
    told = many(40)
    async with projecting(settings):
        await publish(settings, told[:80])
        await until_folded(settings)
        await asyncio.to_thread(mongo.remember)
        await publish(settings, told[80:150])
        await until_folded(settings)
        await asyncio.to_thread(mongo.forget)
        await publish(settings, told[150:])
        await until_folded(settings)
    await check(settings)


@pytest.mark.parametrize("name", [tallies.PROJECTION, history.PROJECTION, POSITIONS])
async def test_cut_off_in_the_middle_of_any_write_it_ends_right(
    settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = many(30)
    async with database(settings, patience=10) as base:
        projector = past_projector(base)
        await projector.open([0])
        await projector.project(raws(told[:40]))
        with monkeypatch.context() as broken:
            for write in (insert, update):
                for where in (past_store, positions):
                    broken.setattr(where, write.__name__, half(write, name))
            with pytest.raises(Unavailable, match="cut off"):
                await projector.project(raws(told[40:110], first=40))
        following = await projector.open([0])
        assert following == {(EVENTS, 0): 40}
        await projector.project(raws(told[40:70], first=40))
        await projector.project(raws(told[70:], first=70))
        await compare(Past(base), items(told))


async def test_events_of_a_newer_program_are_left_out_and_counted(settings: Settings) -> None:
    told = many(3)
    async with database(settings, patience=10) as base:
        projector = past_projector(base)
        await projector.open([0])
        await projector.project([newer(0), *raws(told[:5], first=1)])
        await projector.project([*raws(told[5:], first=6), newer(len(told) + 1)])
        assert projector.skipped == 2
        assert (await base[POSITIONS].find_one({"_id": f"{history.PROJECTION}:0"}) or {})["skipped"] == 2
        await compare(Past(base), items(told))


async def test_of_two_that_take_the_same_one_has_to_read_again(settings: Settings) -> None:
    told = many(20)
    async with database(settings, patience=10) as base:
        first, second = past_projector(base), past_projector(base)
        for one in (first, second):
            await one.open([0])
        await first.project(raws(told[:50]))
        with pytest.raises(Conflict):
            await second.project(raws(told[:60]))
        await second.open([0])
        await second.project(raws(told[50:], first=50))
        with pytest.raises(Conflict):
            await first.project(raws(told[50:60], first=50))
        await compare(Past(base), items(told))
