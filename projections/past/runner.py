"""Keeps NotificationHistory and StatusTally up with the log, beside the loop of the other read models.

As there, whatever goes wrong, all that is held in memory is dropped, and the stored positions say where to go on. Where
there are none it begins with the log: a database that has no stories yet gets them by itself.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from projections.past.fold import Folder
from projections.past.store import PastStore
from projections.position import LogIdentity
from projections.source import Source
from projections.store import PAUSES, Conflict, Database, Unavailable
from streams.background import pause
from streams.health.vitals import Following, Vitals
from streams.kafka.publisher import Publisher, pauses
from streams.settings import Settings
from streams.topics import EVENTS

log = logging.getLogger(__name__)

GROUP = "histories"
BATCH = 4000
"""Events, at most: those of almost a second at 833/s. With 2000 a story was written 1.5 times, with this 1.4 times."""
IDLE = 0.5
WINDOW = 1.0
"""Seconds over which writes are gathered under load: most stories are whole by then, and written once."""
CHECKED = 5.0
"""Seconds between looks at the stored positions while nothing else is to do."""


@asynccontextmanager
async def opened(
    settings: Settings, stopping: asyncio.Event, vitals: Vitals, base: Database, identity: LogIdentity
) -> AsyncIterator["Loop"]:
    """The loop, connected and ready to work."""
    async with AsyncExitStack() as stack:
        publisher = Publisher(settings.kafka_url)
        source = Source(settings, publisher, GROUP)
        for part in (publisher, source):
            stack.push_async_callback(part.stop)
        loop = Loop(stopping, source, Folder(PastStore(base), identity), vitals)
        vitals.follow(Following(GROUP, (EVENTS,), source.assigned, lambda _: loop.hindered))
        await publisher.start()
        await source.start()
        yield loop


@dataclass(slots=True)
class Loop:
    """Takes what is waiting and has it folded, for ever."""

    stopping: asyncio.Event
    source: Source
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
                log.warning("histories: beginning again from the stored positions: %s", error)
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
