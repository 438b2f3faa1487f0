"""Notifications put into the database and into Redis as the projections and the API do it."""

import asyncio
from collections import Counter
from datetime import datetime

import redis

from api.pending import Pending
from projections.models import family
from projections.mongo.connection import database
from projections.mongo.positions import Positions, StoredPositions, Track
from projections.position import UNREAD, LogIdentity, Position
from projections.present import jobs, story
from projections.present.batch import fold, moving
from projections.present.store import Store
from streams.events import Channel
from streams.intake.bodies import DeliveryBody
from streams.settings import Settings
from tests.projections.lives import START, Events, items

LOG = LogIdentity("cluster", "topic")


def store(settings: Settings, events: Events) -> None:
    """Take these into the read models, as what comes next in partition 0."""
    asyncio.run(_store(settings, events))


async def _store(settings: Settings, events: Events) -> None:
    async with database(settings, patience=10) as base:
        models = Store(base)
        positions = Positions(StoredPositions(base, family("present"), LOG, Position))
        await positions.open([0])
        old = positions.of(jobs.PROJECTION)[0]
        new = items(events, first=old.offset + 1)
        reached = new[-1].place.offset
        wanted = moving(new, {0: old})
        known = await models.standings([item.event.notification for item in wanted])
        writes = fold(wanted, known, {0: old}, {0: reached})
        entries = [line for event, place in new if (line := story.entry(event, place))]
        await models.write(writes.documents, writes.updates, entries)
        counts = Counter(old.counts)
        counts.update(writes.counts.get(0, {}))
        position = Position(reached, dict(counts), max(event.time for event in events))
        await positions.advance({Track(jobs.PROJECTION, 0): position})
    assert old.offset >= UNREAD


def leave_pending(
    kept: redis.Redis, settings: Settings, name: str, created: datetime = START, *, channel: Channel = "email"
) -> None:
    """What the API leaves in Redis when it has accepted a notification."""
    pending = Pending(settings.max_attempts, settings.pending_kept)
    body = DeliveryBody(channel, "ada@example.org", "hello", {"order": 4711}, None, None)
    for command in pending.commands(name, body, created, created):
        kept.execute_command(*command)  # type: ignore[no-untyped-call]
