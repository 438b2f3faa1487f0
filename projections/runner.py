"""Keeps the read models up with the log: records of `notification-events` in, documents in MongoDB out.

A loop for each family of read models, with a consumer group of its own that only says who reads which partition of the
log; one for each read model that others add; and one for the dead letters. Where there are no stored positions a loop
begins with the log: a database that has no such documents yet gets them by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from aiokafka import TopicPartition

from projections import keyed
from projections.copies.layers import Layers, Model
from projections.copies.pointers import Pointers
from projections.identity import log_identity
from projections.letters import runner as letter_runner
from projections.loop import Context, Loop, Pace, connected, opened
from projections.models import GROUPS, Family, family
from projections.position import LogIdentity
from projections.present.caught_up import CaughtUp
from projections.projectors import log_projector
from projections.source import LogSource
from streams.health.vitals import Vitals
from streams.kafka.waiting import reachable
from streams.settings import Settings
from streams.topics import EVENTS

FIRST = TopicPartition(EVENTS, 0)
"""Who reads this one leads: what has one partition only is folded there."""
BATCH = 8000
"""Events, at most: those of almost two seconds at 833/s."""
OF_HISTORIES = Pace(window=1.0, batch=4000)
"""Most stories are whole by then, and written once; with a batch of 2000 1.5 times, with this 1.4 times."""
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
    await reachable(settings.kafka_url)
    identity = await log_identity(settings.kafka_url, EVENTS)
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(connected(settings, stopping, vitals))
        caught_up = CaughtUp(settings)
        stack.push_async_callback(caught_up.stop)
        pace = Pace(settings.projection_window, BATCH)
        present = await stack.enter_async_context(_loop(context, identity, "present", pace, caught_up.add))
        vitals.measure(present.readings)

        def leads() -> bool:
            return FIRST in present.source.assigned()

        past = await stack.enter_async_context(_loop(context, identity, "past", OF_HISTORIES))
        added = await stack.enter_async_context(keyed.opened(context, identity))
        letters = await stack.enter_async_context(letter_runner.opened(context, leads))
        await _all(*(loop.work() for loop in (present, past, *added, letters)))


@asynccontextmanager
async def _loop(
    context: Context,
    identity: LogIdentity,
    models: Family,
    pace: Pace,
    answered: Callable[[Sequence[str]], None] = lambda _: None,
) -> AsyncIterator[Loop]:
    """Of a family of folds of the log, connected and ready to work."""
    projector = partial(log_projector, context.base, sink=context.publisher, identity=identity)
    layers = Layers(Pointers(context.base), Model(context.base, family(models), projector))
    await layers.allowed()  # before it joins: a member that leaves at once keeps partitions for a session
    source = LogSource(GROUPS[models], context.settings, context.publisher)
    async with opened(context, source, layers, pace, answered) as loop:
        yield loop
