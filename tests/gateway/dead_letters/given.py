"""Dead letters, and what takes them into the read model."""

import asyncio
from datetime import UTC, datetime, timedelta

from projections.letters.letters import PROJECTION, TOPICS, VERSION, Item, Position, fold
from projections.letters.store import LetterStore
from projections.mongo.connection import database
from projections.mongo.positions import Positions, StoredPositions, Track
from projections.position import LogIdentity
from streams.letters.dead_letters import Properties, Reason, Source, dead_letter, read
from streams.settings import Settings
from streams.topics import DEAD_LETTERS

START = datetime(2026, 1, 1, tzinfo=UTC)
LOG = Source("notification-events", 2, 4711)


def letter(offset: int, reason: Reason, stage: str, source: Source, properties: Properties | None = None) -> Item:
    record = dead_letter(
        reason=reason,
        stage=stage,
        error="why",
        source=source,
        key=b"k",
        body=b'{"a": "\xff"}',
        time=START + timedelta(seconds=offset),
        properties=properties,
    )
    report = read(record.value)
    return Item(report.id, DEAD_LETTERS, offset, report)


def store(settings: Settings, *items: Item) -> None:
    """Take these into the read model, as its loop does."""

    async def take() -> None:
        async with database(settings, patience=10) as base:
            models = LetterStore(base)
            identity = LogIdentity("cluster", "topic")
            positions = Positions(StoredPositions(base, {PROJECTION: VERSION}, identity, Position))
            await positions.open([0])
            reached = {
                topic: max((item.offset for item in items if item.topic == topic), default=-1) for topic in TOPICS
            }
            known = await models.letters({item.letter for item in items})
            writes = fold(items, known, positions.of(PROJECTION)[0], reached)
            await models.write(writes)
            newest = START + timedelta(days=1)
            moved = Position(offsets=reached, counts=dict(writes.counts), newest=newest, revision=1)
            await positions.advance({Track(PROJECTION, 0): moved})

    asyncio.run(take())
