"""Servers and processes that die, sleep or forget: the read models end as a straight fold of the log."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from msgspec.structs import replace

from projections.models import family
from projections.mongo.connection import database
from projections.mongo.positions import Positions, StoredPositions
from projections.position import LogIdentity, Position
from projections.schema import declare
from streams.exits import Refused
from streams.kafka.bootstrap import bootstrap
from streams.settings import Settings
from streams.topics import EVENTS
from tests.projections.killable import KillableMongo
from tests.projections.lives import many
from tests.projections.stored import contents, expected, projecting, publish, until, until_caught_up

SESSION = 6.0
"""Seconds; the shortest that Kafka takes."""
KILLED_BEFORE_THE_POSITION = """
advance = Positions.advance

async def die(self, new):
    if any(track.copy == "NotificationJob" for track in new):
        os.kill(os.getpid(), signal.SIGKILL)
    await advance(self, new)

Positions.advance = die
"""
ASLEEP_BEFORE_UPDATES = """
write = store.Store.write

async def sleep_and_write(self, documents, updates, entries):
    if updates and not hasattr(store, "slept"):
        store.slept = True
        os.kill(os.getpid(), signal.SIGSTOP)
    await write(self, documents, updates, entries)

store.Store.write = sleep_and_write
"""
PROGRAM = """
import asyncio, os, signal, sys
from projections import runner
from projections.mongo.positions import Positions
from projections.present import store
from streams.settings import Settings
from streams.health.vitals import Vitals
{fault}
asyncio.run(runner.run(Settings.model_validate_json(sys.argv[1]), asyncio.Event(), Vitals()))
"""


@contextmanager
def process(settings: Settings, fault: str) -> Iterator[subprocess.Popen[bytes]]:
    """The projections as a process of their own, with something wrong."""
    given = json.dumps(settings.model_dump(mode="json") | {"recipient_secret": "s"})
    with subprocess.Popen([sys.executable, "-c", PROGRAM.format(fault=fault), given]) as started:
        try:
            yield started
        finally:
            started.kill()


async def killed_before_the_position(settings: Settings) -> None:
    with process(settings, KILLED_BEFORE_THE_POSITION) as started:
        assert await asyncio.to_thread(started.wait, 60) == -signal.SIGKILL


async def test_killed_between_documents_and_position_it_leaves_documents_and_counters_exact(settings: Settings) -> None:
    told = many(40)
    await publish(settings, told[:100])
    await killed_before_the_position(settings)
    ahead = await contents(settings)
    assert ahead.jobs
    assert not ahead.counts
    await publish(settings, told[100:])
    await killed_before_the_position(settings)
    async with projecting(settings):
        await until_caught_up(settings)
    assert await contents(settings) == await expected(settings)


async def test_one_that_slept_through_the_loss_of_its_partitions_overwrites_nothing(settings: Settings) -> None:
    settings = settings.model_copy(update={"session_timeout": SESSION})
    told = many(40)
    with process(settings.model_copy(update={"worker": "sleeper"}), ASLEEP_BEFORE_UPDATES) as sleeper:
        await publish(settings, told[:60])
        await until_caught_up(settings)
        await publish(settings, told[60:120])
        _, status = await asyncio.to_thread(os.waitpid, sleeper.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        async with projecting(settings):
            await publish(settings, told[120:])
            await until_caught_up(settings)
            assert await contents(settings) == await expected(settings)
            sleeper.send_signal(signal.SIGCONT)
            await publish(settings, many(10, "later"))
            await until_caught_up(settings)
    assert await contents(settings) == await expected(settings)


async def test_two_copies_share_the_partitions_and_one_takes_over(settings: Settings) -> None:
    first = settings.model_copy(update={"session_timeout": SESSION})
    second = first.model_copy(update={"worker": "second"})
    told = many(60)
    async with projecting(first):
        await publish(settings, told[:50])
        await until_caught_up(settings)
        async with projecting(second):
            await publish(settings, told[50:100])
            await until_caught_up(settings)
        await publish(settings, told[100:])
        await until_caught_up(settings)
    assert await contents(settings) == await expected(settings)


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[KillableMongo]:
    server = KillableMongo(tmp_path)
    server.start()
    yield server
    server.stop()


async def test_a_position_that_was_acknowledged_outlives_a_crash(settings: Settings, mongo: KillableMongo) -> None:
    """Else the documents of the next batch would be counted against counters that are gone."""
    settings = settings.model_copy(update={"mongo_url": mongo.url})
    await declare(settings)
    log_identity = LogIdentity("cluster", "topic")
    async with database(settings, patience=10) as base:
        stored = StoredPositions(base, family("present"), log_identity, Position)
        positions = Positions(stored)
        await positions.take_over([0])
        moved = {track: replace(position, offset=7) for track, position in (await stored.read([0])).items()}
        await positions.advance(moved)
        mongo.kill()
        await asyncio.to_thread(mongo.start)
    async with database(settings, patience=10) as base:
        assert await StoredPositions(base, family("present"), log_identity, Position).read([0]) == moved


async def test_a_database_that_is_killed_under_load_ends_complete(settings: Settings, mongo: KillableMongo) -> None:
    settings = settings.model_copy(update={"mongo_url": mongo.url})
    await declare(settings)
    told = many(100)
    async with projecting(settings):
        await publish(settings, told[:100])
        await until_caught_up(settings)
        for start in range(100, len(told), 100):
            await publish(settings, told[start : start + 100])
            if start % 300 == 100:
                mongo.kill()
                await asyncio.to_thread(mongo.start)
        await until_caught_up(settings)
    assert await contents(settings) == await expected(settings)


async def test_a_database_that_lost_its_tail_is_filled_again_by_the_running_process(
    settings: Settings, mongo: KillableMongo
) -> None:
    settings = settings.model_copy(update={"mongo_url": mongo.url})
    await declare(settings)
    told = many(40)
    async with projecting(settings):
        await publish(settings, told[:80])
        await until_caught_up(settings)
        await asyncio.to_thread(mongo.remember)
        await publish(settings, told[80:150])
        await until_caught_up(settings)
        await asyncio.to_thread(mongo.forget)
        await publish(settings, told[150:])
        await until_caught_up(settings)
    assert await contents(settings) == await expected(settings)


async def test_the_process_stops_in_time_while_the_database_is_away(settings: Settings) -> None:
    async with asyncio.timeout(20), projecting(settings.model_copy(update={"mongo_url": "mongodb://127.0.0.1:1/"})):
        await publish(settings, many(3))


async def test_records_that_were_deleted_before_they_were_folded_are_missed_loudly(settings: Settings) -> None:
    await publish(settings, many(40))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(settings.kafka_url))
    await admin.start()
    await admin.delete_records({TopicPartition(EVENTS, 0): RecordsToDelete(before_offset=5)})
    await admin.close()
    async with projecting(settings) as refused:

        async def ended() -> bool:
            return refused.done()

        await until(ended)
    with pytest.raises(Refused, match=r"offset 0 to 4 \(5 of them\) were removed before they were read"):
        refused.result()
