"""Keeps folds up: records from a source in, through all copies; the source's group is told how far.

The read models own their positions. Whatever goes wrong (MongoDB away or back with less, another writer, partitions
moved), all that is held in memory is dropped, and the stored positions say where to go on.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from projections.again import again, hindrance
from projections.copies.layers import Projector
from projections.mongo.connection import Database, database
from projections.mongo.errors import Conflict, Unavailable
from projections.source import Source
from streams.background import pause
from streams.health.metrics import Reading
from streams.health.vitals import Following, Vitals
from streams.kafka.publisher import Publisher
from streams.settings import Settings
from streams.topics import EVENTS

PATIENCE = 5.0
"""Seconds to wait for MongoDB before all is dropped and begun again."""
IDLE = 0.5
"""Seconds to wait for records before looking around."""
CHECKED = 5.0
"""Seconds between looks at the stored positions while nothing else is to do."""
GATHERED = 0.001
"""Seconds of gathering for each event of a batch: to write a document once costs a fraction of an update."""
LONGEST = 1.0
"""Seconds that events make a window longer, at most: most notifications have ended by then."""
HELD_UP = 0.1
"""Seconds until it looks again how far a copy is that must not be passed."""


class Context(NamedTuple):
    """What the loops of a process share. The publisher writes dead letters, and gaps that are accepted."""

    settings: Settings
    stopping: asyncio.Event
    vitals: Vitals
    base: Database
    publisher: Publisher


@asynccontextmanager
async def connected(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> AsyncIterator[Context]:
    """With a database, which is connected to when it is used, and a publisher at work."""
    publisher = Publisher(settings.kafka_url)
    vitals.publishes(publisher)
    async with database(settings, patience=PATIENCE) as base, publisher:
        yield Context(settings, stopping, vitals, base, publisher)


class Folds(Projector, Protocol):
    """What takes records in: the layers of copies of read models, or a read model without copies."""

    hindered: str
    """Which copy is waited for."""
    opened: int
    """How often all that was held was dropped."""

    async def changed(self) -> bool:
        """Whether it has to be opened again."""


class Pace(NamedTuple):
    """`window`: seconds over which writes are gathered under load, longer the more there is.

    `batch`: events that are taken at once, at most.
    """

    window: float
    batch: int


@asynccontextmanager
async def opened(
    context: Context,
    source: Source,
    folds: Folds,
    pace: Pace,
    answered: Callable[[Sequence[str]], None] = lambda _: None,
) -> AsyncIterator["Loop"]:
    """A loop, connected and ready to work. `answered` is told which notifications' requests were."""
    loop = Loop(context.stopping, source, folds, context.vitals, pace, answered)
    context.vitals.measure(loop.skipped)
    following = Following(source.group, source.topics, source.assigned, lambda _: source.hindered or loop.hindered)
    context.vitals.follow(following)
    try:
        await source.start()
        yield loop
    finally:
        await source.stop()


@dataclass(slots=True)
class Loop:
    """Takes what is waiting and has it projected, for ever."""

    stopping: asyncio.Event
    source: Source
    layers: Folds
    vitals: Vitals
    pace: Pace
    answered: Callable[[Sequence[str]], None]
    hindered: str = ""
    """Why nothing is projected now."""
    _projected: int = 0
    _batches: int = 0
    _checked: float = 0.0

    async def work(self) -> None:
        """Until told to stop; waits as long as it takes for a MongoDB that is away.

        Raises `Refused` if the read models and what they are folded from do not belong together.
        """
        await again(self._life, partial(pause, self.stopping), self._failed, self.source.faults)

    def _failed(self, error: Exception) -> None:
        kinds = {Conflict: "conflict", Unavailable: "mongo"}
        self.vitals.errors[kinds.get(type(error), "kafka")] += 1
        self.hindered = hindrance(error)

    async def _life(self, got_on: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            partitions = await self.source.partitions()
            if self.stopping.is_set():
                return
            self.source.go_to(await self.layers.open(partitions))
            while not self.stopping.is_set() and not self.source.reassigned and await self._step():
                got_on()
                self.hindered = self.layers.hindered

    async def _step(self) -> bool:
        """Whether the copies are still the same."""
        records = await self.source.take(self.pace.batch, IDLE)
        if await self.layers.changed():
            return False
        began = time.monotonic()
        if records:
            self.answered(await self.layers.project(records))
            self._projected += len(records)
            self._batches += 1
            self.source.mark(self.layers.following())
            if self.layers.hindered:
                self.source.go_to(self.layers.following())
                await pause(self.stopping, HELD_UP)
            elif self.source.waiting() < len(records):
                await pause(self.stopping, began + self._gathering(len(records)) - time.monotonic())
        elif began - self._checked > CHECKED:
            self._checked = began
            await self.layers.check()
            self.source.mark(self.layers.following())  # the last mark may have been left out or refused
        return True

    def _gathering(self, events: int) -> float:
        return max(self.pace.window, min(events * GATHERED, LONGEST))

    def readings(self) -> Iterator[Reading]:
        """For `/metrics`, of the loop that stands for the process."""
        yield Reading("tidings_events_in_total", self._projected, (EVENTS,))
        yield Reading("tidings_batches_total", self._batches)
        yield Reading("tidings_documents_written_total", self.layers.written)
        yield Reading("tidings_state_rebuilt_total", self.layers.opened)

    def skipped(self) -> Iterator[Reading]:
        """Likewise, of each loop."""
        yield Reading("tidings_events_skipped_total", self.layers.skipped, (self.source.group,))
