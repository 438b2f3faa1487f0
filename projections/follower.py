"""Keeps read models that know their own position up with the log, beside the loop of the job and its story.

As there, whatever goes wrong, all that is held in memory is dropped, and the stored positions say where to go on. Where
there are none it begins with the log: a database that has no such read model yet gets it by itself.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from projections.reading import Raw
from projections.source import Source
from projections.store import PAUSES, Conflict, Unavailable
from streams.background import pause
from streams.health.vitals import Following, Vitals
from streams.kafka.publisher import Publisher, pauses
from streams.settings import Settings
from streams.topics import EVENTS

log = logging.getLogger(__name__)

BATCH = 4000
"""Events, at most: those of almost a second at 833/s. With 2000 a story was written 1.5 times, with this 1.4 times."""
IDLE = 0.5
WINDOW = 1.0
"""Seconds over which writes are gathered under load: most stories are whole by then, and written once."""
CHECKED = 5.0
"""Seconds between looks at the stored positions while nothing else is to do."""


class Folder(Protocol):
    """Takes records into read models, and knows what is stored."""

    async def open(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Drop all that is held and read the positions: the first offset to take, by partition."""

    def following(self) -> Mapping[int, int]:
        """The first offset that is not taken in yet, by partition."""

    async def check(self) -> None:
        """Raises `Conflict` if the stored positions are not where it left them."""

    async def take(self, records: Sequence[Raw]) -> None:
        """Take these in, in order per partition."""


@asynccontextmanager
async def opened(
    settings: Settings, stopping: asyncio.Event, vitals: Vitals, group: str, folder: Folder
) -> AsyncIterator["Loop"]:
    """The loop, connected and ready to work; workers share the log as members of the group."""
    async with AsyncExitStack() as stack:
        publisher = Publisher(settings.kafka_url)
        source = Source(settings, publisher, group)
        for part in (publisher, source):
            stack.push_async_callback(part.stop)
        loop = Loop(stopping, source, group, folder, vitals)
        vitals.follow(Following(group, (EVENTS,), source.assigned, lambda _: loop.hindered))
        await publisher.start()
        await source.start()
        yield loop


@dataclass(slots=True)
class Loop:
    """Takes what is waiting and has it folded, for ever."""

    stopping: asyncio.Event
    source: Source
    group: str
    folder: Folder
    vitals: Vitals
    hindered: str = ""
    """Why nothing is folded now."""
    _open: bool = False
    _checked: float = 0.0

    async def work(self) -> None:
        """Until told to stop; waits as long as it takes for a MongoDB that is away.

        Raises `Refused` if the read models and the log do not belong together.
        """
        waits = pauses(PAUSES)
        while not self.stopping.is_set():
            try:
                await self._step()
                self.hindered = ""
                waits = pauses(PAUSES)
            except (Conflict, Unavailable) as error:
                self._open = False
                self.vitals.errors["conflict" if isinstance(error, Conflict) else "mongo"] += 1
                self.hindered = "" if isinstance(error, Conflict) else "MongoDB does not answer"
                log.warning("%s: beginning again from the stored positions: %s", self.group, error)
                await pause(self.stopping, next(waits))

    async def _step(self) -> None:
        if self.source.reassigned or not self._open:
            self.source.go_to(await self.folder.open(self.source.partitions()))
            self._open = True
        records = await self.source.take(BATCH, IDLE)
        began = time.monotonic()
        if records:
            await self.folder.take(records)
            self.source.mark(self.folder.following())
            if self.source.waiting() < len(records):
                await pause(self.stopping, began + WINDOW - time.monotonic())
        elif began - self._checked > CHECKED:
            self._checked = began
            await self.folder.check()
            self.source.mark(self.folder.following())  # the last mark may have been left out or refused
