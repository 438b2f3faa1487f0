"""Events taken into the stories and sums as the runner does it, without a broker."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from projections.copies.layers import Projector
from projections.mongo.connection import Database, database
from projections.mongo.errors import Unavailable
from projections.past import history
from projections.position import LogIdentity
from projections.projectors import log_projector
from projections.rebuild.folding import Silent
from streams.codec import encode
from streams.settings import Settings
from streams.topics import EVENTS
from tests.projections.lives import Events, accepted

LOG = LogIdentity("cluster", "topic")


@dataclass(frozen=True)
class Raw:
    """A record."""

    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 0
    topic: str = EVENTS


def raws(events: Events, partition: int = 0, first: int = 0) -> list[Raw]:
    """As they lie in one partition."""
    return [Raw(partition, first + number, encode(one)) for number, one in enumerate(events)]


def newer(offset: int, partition: int = 0) -> Raw:
    """An event that only a newer program knows."""
    return Raw(partition, offset, encode(accepted("newer")).replace(b"accepted.v1", b"accepted.v9"))


def take(settings: Settings, events: Events) -> None:
    """Take these in, as what comes next in partition 0."""
    asyncio.run(_take(settings, events))


def past_projector(base: Database) -> Projector:
    """Writes the copies with the read models' own names."""
    return log_projector(base, {history.PROJECTION: history.PROJECTION}, Silent(), LOG)


async def _take(settings: Settings, events: Events) -> None:
    async with database(settings, patience=10) as base:
        projector = past_projector(base)
        following = await projector.open([0])
        await projector.project(raws(events, first=following[TopicPartition(EVENTS, 0)]))


Write = Callable[..., Awaitable[None]]


def half(write: Write, name: str) -> Write:
    """Writes the first half of what goes to this collection, and fails."""

    async def cut_off(collection: Any, *rest: Any) -> None:  # noqa: ANN401 - whatever the write takes
        if collection.name != name:
            await write(collection, *rest)
            return
        *before, wanted = rest
        await write(collection, *before, wanted[: len(wanted) // 2])
        if wanted:
            raise Unavailable("cut off")

    return cut_off
