"""Dead letters, and what takes them into the read model."""

import asyncio
from datetime import UTC, datetime, timedelta

from projections.letter_store import LetterStore
from projections.letters import TOPICS, Item, Position, fold
from projections.position import LogIdentity
from projections.store import database
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
            old = await models.position(LogIdentity("cluster", "topic"))
            reached = {
                topic: max((item.offset for item in items if item.topic == topic), default=-1) for topic in TOPICS
            }
            writes = fold(items, await models.letters({item.letter for item in items}), old, reached)
            await models.write(writes)
            await models.advance(old, Position(reached, dict(writes.counts), START + timedelta(days=1), 1))

    asyncio.run(take())
