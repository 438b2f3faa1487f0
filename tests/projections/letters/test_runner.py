"""The read model of dead letters on real servers: fed from two topics, whatever lies on them, whatever is killed."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from pymongo.errors import PyMongoError

from projections.letters import runner as letter_runner
from projections.letters.letters import POSITION, counters
from projections.letters.reads import LetterReads
from projections.letters.runner import LetterSource
from projections.loop import connected
from projections.mongo.connection import database
from projections.position import Document
from streams import operations
from streams.exits import Refused
from streams.health.vitals import Vitals
from streams.kafka.publisher import Publisher
from streams.letters.dead_letters import Reason, Source, dead_letter
from streams.operations import Dropped, Event, GapAccepted
from streams.record import Record
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, OPERATIONS
from tests.projections.stored import opened, until
from tests.support import kafka
from tests.support.broker import admin
from tests.support.working import working

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


async def work(settings: Settings, stopping: asyncio.Event, vitals: Vitals, leads: Callable[[], bool]) -> None:
    async with connected(settings, stopping, vitals) as context, letter_runner.opened(context, leads) as loop:
        await loop.work()


def running(
    settings: Settings, vitals: Vitals | None = None, leads: Callable[[], bool] = lambda: True
) -> AbstractAsyncContextManager[None]:
    return working(lambda stopping: work(settings, stopping, vitals or Vitals(), leads))


async def publish(settings: Settings, *records: Record) -> None:
    publisher = Publisher(settings.kafka_url)
    await publisher.start()
    await publisher.publish(records)
    await publisher.stop()


def letter(number: int, stage: str = "lifecycle", reason: Reason = "rule-failed") -> Record:
    source = Source("notification-events", 0, number)
    return dead_letter(reason=reason, stage=stage, error="why", source=source, key=b"k", body=b"{}", time=NOW)


def dropped(number: int, seen: int) -> Record:
    done = Dropped(f"dead:notification-events:0.{number}", seen)
    return operations.to_record(Event(done, NOW, "cli", "ada", "spam"))


async def stored(settings: Settings) -> dict[str, Document]:
    async with opened(settings) as base:
        return {document["_id"]: document async for document in base.DeadLetter.find()}


async def until_stored(settings: Settings, count: int, state: str = "open") -> dict[str, Document]:
    async def reached() -> bool:
        with suppress(PyMongoError):
            return [document.get("state") for document in (await stored(settings)).values()].count(state) == count
        return False

    await until(reached)
    return await stored(settings)


async def counted(settings: Settings) -> dict[str, Any]:
    async with database(settings, patience=10) as base:
        return counters(await LetterReads(base).counts())


async def until_counted(settings: Settings, states: dict[str, int]) -> None:
    async def reached() -> bool:
        seen: dict[str, int] = (await counted(settings))["states"]
        return seen == states

    await until(reached)


async def test_a_letter_from_every_stage_shows_up_once_however_often_it_was_written(settings: Settings) -> None:
    async with running(settings):
        await publish(settings, letter(1), letter(2), letter(1, "projections"), letter(1), letter(2))
        documents = await until_stored(settings, 2)
        await until_counted(settings, {"open": 2, "redriven": 0, "dropped": 0})
    assert documents["dead:notification-events:0.1"]["stages"] == ["lifecycle", "projections"]
    assert (await counted(settings))["stages"] == {"lifecycle": 2, "projections": 1}


async def test_a_dropped_letter_is_told_so_with_who_and_why(settings: Settings) -> None:
    async with running(settings):
        await publish(settings, letter(1), letter(2), dropped(1, 0))
        documents = await until_stored(settings, 1, "dropped")
        await until_counted(settings, {"open": 1, "redriven": 0, "dropped": 1})
    (line,) = documents["dead:notification-events:0.1"]["history"]
    assert (line["by"], line["why"], line["operation"]) == ("ada", "spam", "dropped")


async def test_poison_on_either_topic_is_shown_and_stops_nothing(settings: Settings) -> None:
    huge = (letter(7).value or b"").replace(b"2026-05-04T12:00:00Z", b"0001-01-01T00:00:00+14:00")
    vitals = Vitals()
    async with running(settings, vitals):
        for topic in (DEAD_LETTERS, OPERATIONS):
            await kafka.write(settings.kafka_url, topic, (None, b"\xff\x00"), (b"k", None), (b"k", b"[1]"))
        await kafka.write(settings.kafka_url, DEAD_LETTERS, (None, huge))
        await publish(settings, letter(1))
        documents = await until_stored(settings, 8)
    places = {f"dead:{topic}:0.{offset}" for topic in (DEAD_LETTERS, OPERATIONS) for offset in range(3)}
    assert documents.keys() == {*places, f"dead:{DEAD_LETTERS}:0.3", "dead:notification-events:0.1"}
    assert len(await kafka.read(settings.kafka_url, DEAD_LETTERS)) == 5
    assert vitals.errors["unreadable-letter"] == 7


async def test_what_came_while_it_was_away_is_taken_up_and_nothing_twice(settings: Settings) -> None:
    for number in range(3):
        async with running(settings):
            await publish(settings, letter(number), dropped(number, number), letter(100 + number))
            await until_counted(settings, {"open": number + 1, "redriven": 0, "dropped": number + 1})
        await publish(settings, letter(number))
    async with running(settings):
        await publish(settings, *map(letter, range(200, 300)))
        documents = await until_stored(settings, 103)
        await until_counted(settings, {"open": 103, "redriven": 0, "dropped": 3})
    assert all(len(document["history"]) <= 1 for document in documents.values())


async def test_of_several_the_one_that_leads_takes_the_letters_also_after_a_change(settings: Settings) -> None:
    leader = 0
    async with running(settings, leads=lambda: leader == 0), running(settings, leads=lambda: leader == 1):
        for number in range(6):
            await publish(settings, *map(letter, range(100 * number, 100 * number + 100)))
            leader = 1 - leader
        await until_counted(settings, {"open": 600, "redriven": 0, "dropped": 0})


async def test_who_led_no_more_and_leads_again_reads_nothing_before_it_begins_again() -> None:
    settings, leader = Settings(), [True]
    source = LetterSource(settings, Publisher(settings.kafka_url), asyncio.Event(), lambda: leader[0])
    try:
        for _ in range(2):
            await source.partitions()
            assert not source.reassigned
            for leader[0] in (False, True):
                assert source.reassigned
    finally:
        await source.stop()


async def test_a_database_that_lost_all_is_filled_again(settings: Settings) -> None:
    async with running(settings):
        await publish(settings, letter(1), letter(2), dropped(1, 0))
        await until_counted(settings, {"open": 1, "redriven": 0, "dropped": 1})
        async with opened(settings) as base:
            await base.positions.delete_many({})
            await base.DeadLetter.delete_many({})
        await until_counted(settings, {"open": 1, "redriven": 0, "dropped": 1})


async def test_letters_that_were_removed_unread_are_missed_loudly_unless_the_loss_is_accepted(
    settings: Settings,
) -> None:
    await publish(settings, letter(1))
    async with running(settings):
        await until_stored(settings, 1)
    await publish(settings, letter(2), letter(3), letter(4))
    async with admin(settings.kafka_url) as client:
        await client.delete_records({TopicPartition(DEAD_LETTERS, 0): RecordsToDelete(3)})
    with pytest.raises(Refused, match=rf"{DEAD_LETTERS}\[0\]: the records from offset 1 to 2 .2 of them. were removed"):
        await asyncio.wait_for(work(settings, asyncio.Event(), Vitals(), lambda: True), 60)
    async with running(settings.model_copy(update={"accept_gaps": True})):
        assert set(await until_stored(settings, 2)) == {f"dead:notification-events:0.{number}" for number in (1, 4)}
    operated = [operations.read(record.value).done for record in await kafka.read(settings.kafka_url, OPERATIONS)]
    assert operated == [GapAccepted("dead-letters", DEAD_LETTERS, 0, 1, 3)]


async def test_a_topic_that_ends_before_what_was_read_of_it_is_refused(settings: Settings) -> None:
    await publish(settings, letter(1))
    async with running(settings):
        await until_stored(settings, 1)
    async with opened(settings) as base:
        await base.positions.update_one({"_id": POSITION}, {"$set": {f"offsets.{DEAD_LETTERS}": 7}})
    with pytest.raises(Refused, match=rf"{DEAD_LETTERS}\[0\]: expected it to reach offset 8.*it ends at 1"):
        await asyncio.wait_for(work(settings, asyncio.Event(), Vitals(), lambda: True), 60)


async def test_pages_go_from_the_newest_to_the_oldest_under_any_filter(settings: Settings) -> None:
    async with running(settings):
        records = [letter(number, "admit" if number % 2 else "lifecycle") for number in range(7)]
        await publish(settings, *records)
        await until_stored(settings, 7)
        await until_counted(settings, {"open": 7, "redriven": 0, "dropped": 0})
    async with database(settings, patience=10) as base:
        reads = LetterReads(base)
        pages = [await reads.newest({}, limit=3)]
        while len(pages[-1]) == 3:
            pages.append(await reads.newest({}, pages[-1][-1]["seq"], 3))
        found = [document["source"]["offset"] for page in pages for document in page]
        assert found == [6, 5, 4, 3, 2, 1, 0]
        filtered = await reads.newest({"stage": "admit", "state": "open", "reason": "rule-failed"})
        assert [document["source"]["offset"] for document in filtered] == [5, 3, 1]
        assert await reads.newest({"source": "notification-requests"}) == []
        assert await reads.newest({}, begin=datetime(2026, 5, 5, tzinfo=UTC)) == []
        assert await reads.letter("dead:notification-events:0.99") is None
