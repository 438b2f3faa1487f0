"""Keeps folds of the log up: records from a group's source in, through all copies; the group is told how far.

The read models own their position; the consumer group only says who reads which partition.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from aiokafka import TopicPartition

from projections.again import OF_STORE, again, hindrance
from projections.mongo.errors import Conflict
from projections.source import Source
from streams.background import pause
from streams.health.metrics import Reading
from streams.health.vitals import Vitals
from streams.topics import EVENTS

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


class Folds(Protocol):
    """What takes records in: the layers of copies of read models, or a read model without copies."""

    @property
    def hindered(self) -> str:
        """Which copy is waited for."""

    @property
    def opened(self) -> int:
        """How often all that was held was dropped."""

    @property
    def written(self) -> int:
        """Documents."""

    @property
    def skipped(self) -> int:
        """Events of types that are not known here."""

    async def open(self, partitions: Sequence[int]) -> Mapping[TopicPartition, int]:
        """Begin at the stored positions: the first offset to take, by partition."""

    async def changed(self) -> bool:
        """Whether it has to be opened again."""

    async def project(self, records: Sequence[Any]) -> list[str]:
        """Take these in; the notifications whose requests they answer."""

    def following(self) -> Mapping[TopicPartition, int]:
        """The first offset that is not taken in yet, by partition."""

    async def check(self) -> None:
        """Raises `Conflict` if the stored positions are not where it left them."""


@dataclass(slots=True)
class Loop:
    """Takes what is waiting and has it projected, for ever.

    `window`: seconds over which writes are gathered under load, longer the more there is. `batch`: events that
    are taken at once, at most. `answered` is told which notifications' requests were.
    """

    stopping: asyncio.Event
    source: Source
    layers: Folds
    vitals: Vitals
    window: float
    batch: int
    answered: Callable[[Sequence[str]], None] = lambda _: None
    hindered: str = ""
    """Why nothing is projected now."""
    _projected: int = 0
    _batches: int = 0
    _checked: float = 0.0

    async def work(self) -> None:
        """Until told to stop; waits as long as it takes for a MongoDB that is away.

        Raises `Refused` if the read models and the log do not belong together.
        """
        await again(self._life, partial(pause, self.stopping), self._failed, OF_STORE)

    def _failed(self, error: Exception) -> None:
        self.vitals.errors["conflict" if isinstance(error, Conflict) else "mongo"] += 1
        self.hindered = hindrance(error)

    async def _life(self, got_on: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            self.source.go_to(await self.layers.open(self.source.partitions()))
            while not self.stopping.is_set() and not self.source.reassigned and await self._step():
                got_on()
                self.hindered = self.layers.hindered

    async def _step(self) -> bool:
        """Whether the copies are still the same."""
        records = await self.source.take(self.batch, IDLE)
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
        return max(self.window, min(events * GATHERED, LONGEST))

    def readings(self) -> Iterator[Reading]:
        """For `/metrics`, of the loop that stands for the process; of the others only what they have `skipped`."""
        yield from self.skipped()
        yield Reading("tidings_events_in_total", self._projected, (EVENTS,))
        yield Reading("tidings_batches_total", self._batches)
        yield Reading("tidings_documents_written_total", self.layers.written)
        yield Reading("tidings_state_rebuilt_total", self.layers.opened)

    def skipped(self) -> Iterator[Reading]:
        """Likewise, of any loop."""
        yield Reading("tidings_events_skipped_total", self.layers.skipped, (self.source.group,))
