"""Keeps the read models up with the log: records of `notification-events` in, documents in MongoDB out.

The read models own their position; the consumer group only says who reads which partition. Whatever goes wrong
(MongoDB away or back with less, another writer, partitions moved), all that is held in memory is dropped, and the
stored positions say where to go on: the same events then lead to the same documents and counters.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from aiokafka import TopicPartition

from projections import follower, keyed, letter_runner
from projections.caught_up import CaughtUp
from projections.identity import log_identity
from projections.layers import Layers
from projections.log_model import LogModel
from projections.past.fold import GROUP as HISTORIES
from projections.past.fold import Folder as Histories
from projections.past.store import PastStore
from projections.pointers import Pointers
from projections.source import GROUP, Source
from projections.store import PAUSES, Conflict, Unavailable, database
from streams.background import pause
from streams.health.metrics import Reading
from streams.health.vitals import Following, Vitals
from streams.kafka.publisher import Publisher, pauses, reachable
from streams.settings import Settings
from streams.topics import EVENTS

log = logging.getLogger(__name__)

FIRST = TopicPartition(EVENTS, 0)
"""Who reads this one leads: what has one partition only is folded there."""
BATCH = 2000
"""Events, at most."""
IDLE = 0.5
"""Seconds to wait for records before looking around."""
CHECKED = 5.0
"""Seconds between looks at the stored positions while nothing else is to do."""
PATIENCE = 5.0
"""Seconds to wait for MongoDB before all is dropped and begun again."""
HELD_UP = 0.1
"""Seconds until it looks again how far a copy is that must not be passed."""
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
        layers = Layers(Pointers(base), LogModel(base, publisher, identity))
        loop = Loop(settings, stopping, source, layers, caught_up, vitals)
        vitals.publishes(publisher)
        vitals.measure(loop.readings)
        vitals.follow(Following(GROUP, (EVENTS,), source.assigned, lambda _: loop.hindered))
        await publisher.start()
        with suppress(Unavailable):
            await layers.allowed()  # before it joins: a member that leaves at once keeps partitions for a session
        await source.start()

        def leads() -> bool:
            return FIRST in source.assigned()

        folders: dict[str, follower.Folder] = {HISTORIES: Histories(PastStore(base), identity)}
        folders |= {keyed.name(model): keyed.Folder(base, model, identity) for model in keyed.models(settings)}
        followers = [
            await stack.enter_async_context(follower.opened(settings, stopping, vitals, group, folder))
            for group, folder in folders.items()
        ]
        letters = await stack.enter_async_context(letter_runner.opened(settings, vitals, leads))
        await _all(loop.work(), letters.work(stopping), *(one.work() for one in followers))


@dataclass(slots=True)
class Loop:
    """Takes what is waiting and has it projected, for ever."""

    settings: Settings
    stopping: asyncio.Event
    source: Source
    layers: Layers[int]
    caught_up: CaughtUp
    vitals: Vitals
    hindered: str = ""
    """Why nothing is projected now."""
    _projected: int = 0
    _batches: int = 0
    _open: bool = False
    _checked: float = 0.0

    async def work(self) -> None:
        """Until told to stop; waits as long as it takes for a MongoDB that is away."""
        waits = pauses(PAUSES)
        while not self.stopping.is_set():
            try:
                await self._step()
                self.hindered = self.layers.hindered
                waits = pauses(PAUSES)
            except (Conflict, Unavailable) as error:
                self._open = False
                self.vitals.errors["conflict" if isinstance(error, Conflict) else "mongo"] += 1
                self.hindered = "" if isinstance(error, Conflict) else "MongoDB does not answer"
                log.warning("beginning again from the stored positions: %s", error)
                await pause(self.stopping, next(waits))

    async def _step(self) -> None:
        if self.source.reassigned or not self._open:
            self.source.go_to(await self.layers.open(self.source.partitions()))
            self._open = True
        records = await self.source.take(BATCH, IDLE)
        if await self.layers.changed():
            self._open = False
            return
        began = time.monotonic()
        if records:
            self.caught_up.add(await self.layers.project(records))
            self._projected += len(records)
            self._batches += 1
            self.source.mark(self.layers.following())
            if self.layers.hindered:
                self.source.go_to(self.layers.following())
                await pause(self.stopping, HELD_UP)
            elif self.source.waiting() < len(records):
                await pause(self.stopping, began + self.settings.projection_window - time.monotonic())
        elif began - self._checked > CHECKED:
            self._checked = began
            await self.layers.check()
            self.source.mark(self.layers.following())  # the last mark may have been left out or refused

    def readings(self) -> Iterator[Reading]:
        """For `/metrics`."""
        yield Reading("tidings_events_in_total", self._projected, (EVENTS,))
        yield Reading("tidings_batches_total", self._batches)
        yield Reading("tidings_documents_written_total", self.layers.written)
        yield Reading("tidings_state_rebuilt_total", self.layers.opened)
