"""Keeps NotificationHistory and StatusTally up with the log, beside the loop of the other read models.

Where there are no stored positions it begins with the log: a database that has no stories yet gets them by itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

from projections.folders import log_folder
from projections.layers import Layers, Model
from projections.loop import Loop
from projections.models import family
from projections.mongo.connection import Database
from projections.mongo.errors import Unavailable
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
        folder = partial(log_folder, base, sink=publisher, identity=identity)
        layers = Layers(Pointers(base), Model(base, family("past"), folder))
        loop = Loop(stopping, source, layers, vitals, WINDOW, BATCH)
        vitals.measure(loop.skipped)
        vitals.follow(Following(GROUP, (EVENTS,), source.assigned, lambda _: loop.hindered))
        await publisher.start()
        with suppress(Unavailable):
            await layers.allowed()
        await source.start()
        yield loop
