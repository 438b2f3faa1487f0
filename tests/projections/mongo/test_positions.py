"""Positions as a real database guards them: of those who would move one, one can."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from projections.models import family
from projections.mongo.connection import database
from projections.mongo.errors import Conflict
from projections.mongo.positions import Positions, StoredPositions, Track
from projections.position import LogIdentity, Position
from projections.present import jobs
from streams.exits import Refused
from streams.settings import Settings

LOG = LogIdentity("cluster", "topic")
JOBS = Track(jobs.PROJECTION, 0)


@pytest.fixture
async def stored(settings: Settings) -> AsyncIterator[StoredPositions[Position]]:
    async with database(settings, patience=10) as base:
        yield StoredPositions(base, family("present"), LOG, Position)


async def test_a_position_moves_on_from_where_it_was_and_from_nowhere_else(stored: StoredPositions[Position]) -> None:
    first, late = Positions(stored), Positions(stored)
    for one in (first, late):
        await one.open([0, 1])
    moved = Position(9, {"sent": 2}, skipped=1)
    await first.advance({JOBS: moved})
    with pytest.raises(Conflict):
        await late.advance({JOBS: Position(12, {"sent": 3})})
    with pytest.raises(Conflict):
        await late.check()
    await first.check()
    assert (await stored.read([0]))[JOBS] == moved


async def test_who_takes_a_partition_over_alone_can_move_its_position(stored: StoredPositions[Position]) -> None:
    before, after = Positions(stored), Positions(stored)
    for one in (before, after):
        await one.take_over([0])
    epochs = [one.of(jobs.PROJECTION)[0].epoch for one in (before, after)]
    with pytest.raises(Conflict):
        await before.advance({JOBS: Position(9, epoch=epochs[0])})
    await after.advance({JOBS: Position(9, epoch=epochs[1])})
    assert epochs == [1, 2]


async def test_of_several_that_take_over_at_once_each_has_an_epoch_of_its_own(
    stored: StoredPositions[Position],
) -> None:
    await stored.read([0])

    async def taken_over() -> int | None:
        ours = Positions(stored)
        while True:
            with suppress(Conflict):
                await ours.take_over([0])
                return ours.of(jobs.PROJECTION)[0].epoch

    epochs = await asyncio.gather(*(taken_over() for _ in range(5)))
    assert len(set(epochs)) == 5


async def test_positions_that_several_make_at_once_are_made_once(stored: StoredPositions[Position]) -> None:
    made = await asyncio.gather(*(stored.read([0, 1, 2]) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(one, dict | Conflict) for one in made)
    positions = await stored.read([0, 1, 2])
    assert len(positions) == 3 * len(family("present"))
    assert all(position == Position() for position in positions.values())


async def test_positions_of_another_log_are_refused(stored: StoredPositions[Position], settings: Settings) -> None:
    await stored.read([0])
    async with database(settings, patience=10) as base:
        anew = StoredPositions(base, family("present"), LOG._replace(topic="made anew"), Position)
        with pytest.raises(Refused):
            await anew.read([0])
