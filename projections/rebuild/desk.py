"""What a rebuild works with: connections, and what differs between the read models of the two logs."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import TopicPartition

from projections.copies.copies import Copy, Pointer
from projections.copies.places import folded_from
from projections.copies.pointers import Pointers
from projections.identity import log_identity
from projections.letters import letters
from projections.models import GROUPS
from projections.mongo.connection import Database, database
from projections.position import LogIdentity
from projections.projectors import letter_projector, log_projector
from projections.rebuild.folding import Fold
from streams import clock, operations
from streams.kafka.offsets import Offsets, opened
from streams.kafka.publisher import Publisher
from streams.operations import Event, Operation
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS

PATIENCE = 5.0
"""Seconds to wait for MongoDB."""
SOURCE = "cli"


class Words(NamedTuple):
    """Who wants it, and why."""

    by: str
    why: str


class Desk:
    """Connections, for as long as they are needed."""

    def __init__(
        self, settings: Settings, words: Words, base: Database, publisher: Publisher, offsets: Offsets
    ) -> None:
        self.settings, self.base, self.offsets = settings, base, offsets
        self.pointers = Pointers(base)
        self._words, self._publisher = words, publisher

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, words: Words) -> AsyncIterator["Desk"]:
        """Raises aiokafka's errors."""
        url = settings.kafka_url
        async with database(settings, patience=PATIENCE) as base, opened(url) as offsets, Publisher(url) as publisher:
            yield cls(settings, words, base, publisher, offsets)

    async def running(self) -> bool:
        """Whether any process keeps the read models up. One that was killed counts until its session has ended."""
        return await self.offsets.members(GROUPS["present"]) > 0

    def places(self, projection: str) -> list[TopicPartition]:
        """The partitions that a read model is folded from."""
        return folded_from(projection, self.settings.partitions)

    async def ends(self, projection: str) -> dict[TopicPartition, int]:
        """Where these end."""
        return {where: extent.end for where, extent in (await self.offsets.extents(self.places(projection))).items()}

    async def identity(self, projection: str) -> LogIdentity:
        """Of the log of a read model."""
        topic = DEAD_LETTERS if projection == letters.PROJECTION else EVENTS
        return await log_identity(self.settings.kafka_url, topic)

    async def fold(self, projection: str, copy: Copy) -> Fold:
        """Keeps a copy up, as the projections would."""
        names, identity = {projection: copy.name}, await self.identity(projection)
        if projection == letters.PROJECTION:
            projector = letter_projector(self.base, names, identity)
        else:
            projector = log_projector(self.base, names, self._publisher, identity)
        return Fold(self.settings.kafka_url, projector, self.places(projection))

    def told(self, done: Operation) -> Event:
        """An operation of whoever sits here."""
        return Event(done, clock.now(), SOURCE, *self._words)

    async def change(self, old: Pointer, new: Pointer) -> Pointer:
        """Write a pointer, and put what it owes on record. Raises `Conflict`."""
        await self.pointers.write(old, new)
        return await self.settle(new)

    async def settle(self, pointer: Pointer) -> Pointer:
        """Put on record what a pointer owes still."""
        if pointer.owed is not None:
            await self._publisher.publish([operations.to_record(pointer.owed)])
            await self.pointers.settle(pointer)
        return pointer

    async def read(self, projections: Iterable[str]) -> dict[str, Pointer]:
        """The pointers of these, with nothing owed."""
        found = await self.pointers.read(projections)
        return {name: await self.settle(pointer) for name, pointer in found.items()}
