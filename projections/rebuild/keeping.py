"""The other copies of read models are folded up to the live ones, and kept up, by whoever can."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiokafka import TopicPartition

from projections.copies.copies import Impossible, Pointer, other
from projections.copies.places import following
from projections.models import READ_MODELS, VERSIONS, Family
from projections.rebuild.desk import Desk
from projections.rebuild.folding import Task, fold_history
from projections.rebuild.gate import lag
from projections.rebuild.switch import CalledOff
from projections.rebuild.watcher import Watcher
from streams.counted import counted

FOLDED_AT_ONCE: tuple[Family, ...] = ("present", "past")
"""In large batches, several partitions at once; of dead letters there are few."""
STANDSTILL = 30.0
"""Seconds without progress after which a copy does not keep up."""
LOOK = 0.2
"""Seconds between two looks at how far it is."""


@dataclass(slots=True)
class Kept:
    """The other copy of a read model, and who keeps it up: `fold` here, or the projections."""

    pointer: Pointer
    fold: asyncio.Task[None] | None = None

    def alive(self) -> None:
        """Raises what went wrong here."""
        if self.fold is not None and self.fold.done():
            self.fold.result()

    async def end(self) -> None:
        """It is not kept up here any more."""
        if self.fold is not None:
            self.fold.cancel()
            await asyncio.wait([self.fold])
            self.fold = None


@asynccontextmanager
async def kept_up(desk: Desk, pointers: Collection[Pointer], watcher: Watcher) -> AsyncIterator[list[Kept]]:
    """Meanwhile somebody keeps the other copies up: the projections where they do already, else this process."""
    running = await desk.running()
    ours = [pointer for pointer in pointers if not (running and _followed(pointer))]
    for pointer in ours:
        if other(pointer).version != VERSIONS[pointer.projection]:
            raise Impossible(
                f"{other(pointer).name} is of version {other(pointer).version}, and this program folds version "
                f"{VERSIONS[pointer.projection]}: do it with the program of that version"
            )
    for family in FOLDED_AT_ONCE:
        await _fold_history(desk, [one for one in ours if READ_MODELS[one.projection].family == family], watcher)
    copies = [Kept(pointer) for pointer in pointers]
    async with AsyncExitStack() as stack:
        for copy in copies:
            if copy.pointer in ours:
                fold = await desk.fold(copy.pointer.projection, other(copy.pointer))
                copy.fold = asyncio.create_task(fold.run())
                stack.push_async_callback(copy.end)
        yield copies


async def caught_up(desk: Desk, copy: Kept, bound: int, watcher: Watcher) -> None:
    """Returns once it is no more than `bound` events behind the log. Raises `CalledOff` if it gets no nearer."""
    name, best, since = other(copy.pointer).name, 1 << 62, time.monotonic()
    watcher.begin(f"{name} catches up")
    while True:
        copy.alive()
        ends = await desk.ends(copy.pointer.projection)
        behind = lag(ends, await following(desk.base, name))
        if behind <= bound:
            return
        if behind < best:
            best, since = behind, time.monotonic()
        elif time.monotonic() - since > STANDSTILL:
            raise CalledOff(f"{name} is {counted(behind, 'event')} behind the log and gets no nearer")
        await asyncio.sleep(LOOK)


def _followed(pointer: Pointer) -> bool:
    """Whether projections of the live copy's version keep the other one up."""
    return other(pointer).followed and other(pointer).version == pointer.live.version


async def _fold_history(desk: Desk, pointers: Sequence[Pointer], watcher: Watcher) -> None:
    """What the live copies have folded, in silence: they have told of what went to the dead letters."""
    if not pointers:
        return
    names = {pointer.projection: other(pointer).name for pointer in pointers}
    ends = await _least(desk, [pointer.live.name for pointer in pointers])
    begun_at = await _least(desk, list(names.values()))
    left = sum(max(end - begun_at.get(place, 0), 0) for place, end in ends.items())
    if not left:
        return
    watcher.begin(f"folding {' and '.join(names)}", left)
    began = time.monotonic()
    identity = await desk.identity(pointers[0].projection)
    events = await fold_history(Task(desk.settings, names, identity, ends), watcher.done)
    watcher.folded(events, time.monotonic() - began)


async def _least(desk: Desk, names: Sequence[str]) -> dict[TopicPartition, int]:
    """The first offsets that not all of these copies have folded."""
    found = [await following(desk.base, name) for name in names]
    places = {place for each in found for place in each}
    return {place: min(each.get(place, 0) for each in found) for place in sorted(places)}
