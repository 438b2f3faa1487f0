"""Keeps NotificationHistory and StatusTally up with the log, beside the loop of the other read models.

Where there are no stored positions it begins with the log: a database that has no stories yet gets them by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from aiokafka import ConsumerRecord

from projections.layers import Layers
from projections.log_model import reached
from projections.loop import Loop
from projections.models import family
from projections.mongo.connection import Database
from projections.mongo.errors import Unavailable
from projections.past import history
from projections.past.fold import Folder
from projections.past.store import PastStore
from projections.pointers import Pointers
from projections.position import LogIdentity
from projections.source import Source
from streams.health.vitals import Following, Vitals
from streams.kafka.publisher import Publisher
from streams.settings import Settings
from streams.topics import EVENTS

GROUP = "histories"
BATCH = 4000
"""Events, at most: those of almost a second at 833/s. With 2000 a story was written 1.5 times, with this 1.4 times."""
WINDOW = 1.0
"""Seconds over which writes are gathered under load: most stories are whole by then, and written once."""


@asynccontextmanager
async def opened(
    settings: Settings, stopping: asyncio.Event, vitals: Vitals, base: Database, identity: LogIdentity
) -> AsyncIterator[Loop]:
    """The loop, connected and ready to work."""
    async with AsyncExitStack() as stack:
        publisher = Publisher(settings.kafka_url)
        source = Source(settings, publisher, GROUP)
        for part in (publisher, source):
            stack.push_async_callback(part.stop)
        layers = Layers(Pointers(base), PastModel(base, identity))
        loop = Loop(stopping, source, layers, vitals, WINDOW, BATCH)
        vitals.measure(loop.skipped)
        vitals.follow(Following(GROUP, (EVENTS,), source.assigned, lambda _: loop.hindered))
        await publisher.start()
        with suppress(Unavailable):
            await layers.allowed()
        await source.start()
        yield loop


class PastModel:
    """How the read models of the family `past` are folded. Offsets are counted by partition."""

    versions: Mapping[str, int] = family("past")

    def __init__(self, base: Database, identity: LogIdentity) -> None:
        self._base, self._identity = base, identity

    def folder(self, names: Mapping[str, str]) -> Folder:
        """Writes this copy."""
        return Folder(PastStore(self._base, names[history.PROJECTION]), self._identity)

    async def reached(self, names: Iterable[str]) -> dict[int, int]:
        """The last offset that all of these copies have folded, by partition."""
        return await reached(self._base, names)

    def place(self, record: ConsumerRecord) -> int:
        """Its partition."""
        return int(record.partition)
