"""What is in the database, and what a straight fold of the log says should be."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from projections import runner
from projections.models import OF_LOG
from projections.position import Document, Position
from projections.present import jobs, story
from projections.present.batch import fold, moving
from projections.reading import Item, read
from streams.health.vitals import Vitals
from streams.kafka.bootstrap import bootstrap
from streams.kafka.publisher import Publisher
from streams.settings import Settings
from streams.topics import EVENTS
from tests.projections.lives import Events, records
from tests.support import kafka

WITHIN = 60.0
"""Seconds; on a busy machine with a slow database nothing is quick."""


@dataclass(frozen=True)
class Contents:
    """The read models; documents by id, without what depends on where batches ended."""

    jobs: dict[str, Document]
    entries: dict[str, Document]
    counts: dict[str, int]


@asynccontextmanager
async def projecting(settings: Settings, vitals: Vitals | None = None) -> AsyncIterator[asyncio.Task[None]]:
    """The projections at work; they stop as by SIGTERM."""
    stopping = asyncio.Event()
    task = asyncio.create_task(runner.run(settings, stopping, vitals or Vitals()))
    try:
        yield task
    finally:
        stopping.set()
        await asyncio.wait([task])


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Any]:
    """The database by a client of the test's own."""
    async with AsyncMongoClient[Document](
        settings.mongo_url, tz_aware=True, serverSelectionTimeoutMS=500, directConnection=True
    ) as client:
        yield client[settings.mongo_database]


async def publish(settings: Settings, events: Events) -> None:
    """Put events on the log as the processors do."""
    publisher = Publisher(settings.kafka_url)
    await publisher.start()
    await publisher.publish(records(events))
    await publisher.stop()


async def contents(settings: Settings) -> Contents:
    """What is stored."""
    async with opened(settings) as base:
        found = {document["_id"]: document async for document in base[jobs.PROJECTION].find()}
        entries = {document["_id"]: document async for document in base[story.PROJECTION].find()}
        counts: Counter[str] = Counter()
        async for position in base.positions.find({"projection": jobs.PROJECTION}):
            counts.update(position["counts"])
    return Contents(_plain(found), entries, dict(counts))


async def expected(settings: Settings) -> Contents:
    """What should be stored, by one fold of all that is on the log."""
    read_items = [read(record) for record in await kafka.read(settings.kafka_url, EVENTS)]
    items = [item for item in read_items if isinstance(item, Item)]
    partitions = {item.place.partition for item in items}
    unread, all_read = dict.fromkeys(partitions, Position()), dict.fromkeys(partitions, 1 << 60)
    writes = fold(moving(items, unread), {}, unread, all_read)
    entries: dict[str, Document] = {}
    for event, place in items:
        if line := story.entry(event, place):
            entries.setdefault(line["_id"], line)
    documents = {document["_id"]: document for document in writes.documents}
    return Contents(_plain(documents), entries, dict(Counter(one["status"] for one in documents.values())))


async def until(reached: Callable[[], Awaitable[bool]], within: float = WITHIN) -> None:
    """Looks ten times a second."""
    deadline = time.monotonic() + within
    while not await reached():
        assert time.monotonic() < deadline, "not reached in time"
        await asyncio.sleep(0.1)


async def until_caught_up(settings: Settings, within: float = WITHIN, also: tuple[str, ...] = ()) -> None:
    """Returns once all that is on the log is stored: in the built-in read models, and in these."""
    ends = await _ends(settings)

    async def caught_up() -> bool:
        with suppress(PyMongoError):
            async with opened(settings) as base:
                offsets = {one["_id"]: one["offset"] async for one in base.positions.find()}
            names = (*OF_LOG, *also)
            return all(offsets.get(f"{name}:{part}") == end - 1 for name in names for part, end in ends.items())
        return False

    await until(caught_up, within)


async def _ends(settings: Settings) -> dict[int, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(settings.kafka_url))
    await consumer.start()
    try:
        partitions = [TopicPartition(EVENTS, part) for part in range(settings.partitions)]
        return {partition.partition: end for partition, end in (await consumer.end_offsets(partitions)).items()}
    finally:
        await consumer.stop()


def _plain(documents: dict[str, Document]) -> dict[str, Document]:
    return {name: one | {"fold": {**one["fold"], "counted": None, "epoch": None}} for name, one in documents.items()}
