"""Keeps the read models up with the log: records of `notification-events` in, documents in MongoDB out.

The read models own their position; the consumer group only says who reads which partition. Whatever goes wrong
(MongoDB away or back with less, another writer, partitions moved), all that is held in memory is dropped, and the
stored positions say where to go on: the same events then lead to the same documents and counters.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from functools import partial

from aiokafka import TopicPartition

from projections import keyed, letter_runner
from projections.caught_up import CaughtUp
from projections.folders import log_folder
from projections.identity import log_identity
from projections.layers import Layers, Model
from projections.loop import Loop
from projections.models import family
from projections.mongo.connection import database
from projections.mongo.errors import Unavailable
from projections.past import runner as past_runner
from projections.pointers import Pointers
from projections.source import GROUP, Source
from streams.health.vitals import Following, Vitals
from streams.kafka.publisher import Publisher
from streams.kafka.waiting import reachable
from streams.settings import Settings
from streams.topics import EVENTS

FIRST = TopicPartition(EVENTS, 0)
"""Who reads this one leads: what has one partition only is folded there."""
BATCH = 8000
"""Events, at most: those of almost two seconds at 833/s."""
PATIENCE = 5.0
"""Seconds to wait for MongoDB before all is dropped and begun again."""
GRACE = 5.0
"""Seconds that a batch under way may take once the process is told to stop; cut off, it is folded again later."""


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Work until `stopping` is set. Raises `Refused` if the read models and the log do not belong together."""
    work = asyncio.create_task(_work(settings, stopping, vitals))
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([work], timeout=GRACE)
        if work.done():
            work.result()
    finally:
        work.cancel()
        stop.cancel()
        await asyncio.wait([work, stop], timeout=GRACE)


async def _all(*works: Coroutine[None, None, None]) -> None:
    """One that fails ends the others."""
    loops = [asyncio.create_task(work) for work in works]
    try:
        ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_EXCEPTION)
        for loop in ended:
            loop.result()
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.wait(loops)


async def _work(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    async with AsyncExitStack() as stack:
        await reachable(settings.kafka_url)
        identity = await log_identity(settings.kafka_url, EVENTS)
        base = await stack.enter_async_context(database(settings, patience=PATIENCE))
        publisher, caught_up = Publisher(settings.kafka_url), CaughtUp(settings)
        source = Source(settings, publisher)
        for part in (publisher, source, caught_up):
            stack.push_async_callback(part.stop)
        folder = partial(log_folder, base, sink=publisher, identity=identity)
        layers = Layers(Pointers(base), Model(base, family("log"), folder))
        loop = Loop(stopping, source, layers, vitals, settings.projection_window, BATCH, caught_up.add)
        vitals.publishes(publisher)
        vitals.measure(loop.readings)
        vitals.follow(Following(GROUP, (EVENTS,), source.assigned, lambda _: loop.hindered))
        await publisher.start()
        with suppress(Unavailable):
            await layers.allowed()  # before it joins: a member that leaves at once keeps partitions for a session
        await source.start()

        def leads() -> bool:
            return FIRST in source.assigned()

        past = await stack.enter_async_context(past_runner.opened(settings, stopping, vitals, base, identity))
        added = await stack.enter_async_context(keyed.opened(settings, stopping, vitals, base, identity))
        letters = await stack.enter_async_context(letter_runner.opened(settings, vitals, leads))
        await _all(loop.work(), letters.work(stopping), past.work(), *(one.work() for one in added))
