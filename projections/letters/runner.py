"""Keeps the read model DeadLetter up: records of `dead-letters` and `notification-operations` in, MongoDB out.

It runs beside the loop of the log, in the same process. Each topic has one partition, and of several processes one
`leads`: that reads both.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from aiokafka import TopicPartition

from projections.again import OF_SERVERS
from projections.copies.layers import Layers, Model
from projections.copies.pointers import Pointers
from projections.identity import log_identity
from projections.letters.letters import TOPICS
from projections.loop import Context, Loop, Pace
from projections.loop import opened as opened_loop
from projections.models import GROUPS, family
from projections.projectors import letter_projector
from projections.source import Source
from streams.background import pause
from streams.kafka.consuming import plain_consumer
from streams.kafka.publisher import Publisher
from streams.settings import Settings
from streams.topics import DEAD_LETTERS

PACE = Pace(window=0.0, batch=100)
"""A record may be of 2 MiB."""
LOOK = 0.5
"""Seconds until a process that does not lead looks whether it does."""
PARTITIONS = [TopicPartition(topic, 0) for topic in TOPICS]


@asynccontextmanager
async def opened(context: Context, leads: Callable[[], bool]) -> AsyncIterator[Loop]:
    """The loop, connected and ready to work."""

    def unreadable() -> None:
        context.vitals.errors["unreadable-letter"] += 1

    identity = await log_identity(context.settings.kafka_url, DEAD_LETTERS)
    projector = partial(letter_projector, context.base, identity=identity, unreadable=unreadable)
    layers = Layers(Pointers(context.base), Model(context.base, family("letters"), projector))
    source = LetterSource(context.settings, context.publisher, context.stopping, leads)
    async with opened_loop(context, source, layers, PACE) as loop:
        yield loop


class LetterSource(Source):
    """Both topics, for whoever leads."""

    topics = TOPICS
    repair = "point KAFKA_URL or MONGO_URL to the pair that belongs together, or empty the database"
    faults = OF_SERVERS

    def __init__(
        self, settings: Settings, publisher: Publisher, stopping: asyncio.Event, leads: Callable[[], bool]
    ) -> None:
        group = GROUPS["letters"]
        super().__init__(plain_consumer(settings.kafka_url, group_id=group), group, settings, publisher)
        self._stopping, self._leads = stopping, leads
        self._left = True

    @property
    def reassigned(self) -> bool:
        """As `Source` says: still so if it leads again, since what was taken in between is not read."""
        self._left = self._left or not self._leads()
        return self._left

    @property
    def hindered(self) -> str:
        """As `Source` says."""
        return "" if self._leads() else "another worker leads"

    async def partitions(self) -> list[int]:
        """The one that each topic has; returns once this process leads, or is told to stop."""
        while not (self._leads() or self._stopping.is_set()):
            await pause(self._stopping, LOOK)
        self._left = False
        return [0]

    def assigned(self) -> set[TopicPartition]:
        """As `Source` says."""
        return set(PARTITIONS) if self._leads() else set()

    def go_to(self, offsets: Mapping[TopicPartition, int]) -> None:
        """As `Source` says.

        Trap: assigned without a place to go to, aiokafka goes to the group's offsets, or fails where there are none.
        """
        if not self.reassigned and not self._consumer.assignment():
            self._consumer.assign(PARTITIONS)
        super().go_to(offsets)
