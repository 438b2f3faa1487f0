"""Read models made again, readers had go over to them, or back, and copies dropped: what `./tidings rebuild` does."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import TopicPartition

from projections.copies import Impossible, Pointer, begun, dropped, other
from projections.pointers import MODELS
from projections.rebuild.desk import Desk
from projections.rebuild.difference import compare
from projections.rebuild.folding import Task, fold_history
from projections.rebuild.gate import Compared, lag, refusals
from projections.rebuild.places import following
from projections.rebuild.switch import CalledOff, switch
from projections.store import VERSIONS, make, remove
from streams.operations import CopyDropped, CutOver, RolledBack

STANDSTILL = 30.0
"""Seconds without progress after which a copy does not keep up."""
LOOK = 0.2
"""Seconds between two looks at how far it is."""
READ_OUT = 5.0
"""Seconds that questions to a copy may still take which is not to be found any more: longer than any answer takes."""


@dataclass(frozen=True, slots=True)
class Options:
    """`bound`: events by which a shadow may be behind when readers go over. `shown`: differences that are kept."""

    bound: int = 1000
    shown: int = 10
    accept_differences: bool = False


class Watcher(Protocol):
    """Is told how far it is, and asked what a person must say."""

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records."""

    def done(self, count: int) -> None:
        """So many of them, in all."""

    def folded(self, events: int, seconds: float) -> None:
        """The log was folded from where it was left."""

    def compared(self, pointer: Pointer, compared: Compared) -> None:
        """Both copies were held against each other."""

    def wanted(self, pointer: Pointer) -> bool:
        """Whether readers are to go over. May take its time; called in a thread."""

    def moved(self, pointer: Pointer) -> None:
        """Readers went over, as this pointer says."""

    def restart(self, pointer: Pointer) -> None:
        """The projections run a fold that is not the live copy's: run this program's. Called in a thread."""


async def rebuild(desk: Desk, projections: Sequence[str], options: Options, watcher: Watcher) -> dict[str, list[str]]:
    """Make these read models again and go over to them, if it is wanted; by read model why that was refused.

    Raises `Impossible`, `CalledOff`, `Refused`, `Unavailable`, `Conflict` and aiokafka's errors.
    """
    pointers = await desk.read(projections)
    for name, pointer in pointers.items():
        pointers[name] = await _begin(desk, pointer)
    async with _kept_up(desk, pointers.values(), watcher) as copies:
        return {copy.pointer.projection: await _go_over(desk, copy, options, watcher) for copy in copies}


async def roll_back(desk: Desk, projections: Sequence[str], options: Options, watcher: Watcher) -> None:
    """Have readers go back to the copies that they read before, with all that happened since. Raises as `rebuild`."""
    pointers = await desk.read(projections)
    for pointer in pointers.values():
        if not other(pointer).served:
            raise Impossible(f"{other(pointer).name} was never live: there is nothing to go back to")
    async with _kept_up(desk, pointers.values(), watcher) as copies:
        for copy in copies:
            await _caught_up(desk, copy, options.bound, watcher)
            live, kept = copy.pointer.live, other(copy.pointer)
            done = RolledBack(copy.pointer.projection, live.name, kept.name, kept.version)
            await _switch(desk, copy, done, watcher)


async def drop(desk: Desk, projections: Sequence[str], watcher: Watcher) -> None:
    """Delete the copies that are not live. Raises as `rebuild`."""
    for pointer in (await desk.read(projections)).values():
        copy = other(pointer)
        told = desk.told(CopyDropped(pointer.projection, copy.name, copy.version))
        left = await desk.change(pointer, dropped(pointer, told))
        watcher.begin(f"dropping {copy.name}")
        await asyncio.sleep(READ_OUT)
        for name in gone(left):
            await remove(desk.base, name)


def gone(pointer: Pointer) -> list[str]:
    """The names of all copies that there were and are not any more: a drop that was killed may have left some."""
    numbered = [f"{pointer.projection}_{number}" for number in range(2, pointer.made + 1)]
    return [name for name in (pointer.projection, *numbered) if name not in {copy.name for copy in pointer.copies}]


@dataclass(slots=True)
class _Copy:
    """The other copy of a read model, and who keeps it up: `fold` here, or the projections."""

    pointer: Pointer
    fold: asyncio.Task[None] | None = None
    compared: Compared = field(default_factory=lambda: Compared(same_version=True, limit=0))

    def alive(self) -> None:
        """Raises what went wrong here."""
        if self.fold is not None and self.fold.done():
            self.fold.result()


async def _begin(desk: Desk, pointer: Pointer) -> Pointer:
    with_shadow = begun(pointer, MODELS[pointer.projection])
    if with_shadow is not pointer:
        await desk.pointers.write(pointer, with_shadow)
    await make(desk.base, pointer.projection, other(with_shadow).name)
    return with_shadow


@asynccontextmanager
async def _kept_up(desk: Desk, pointers: Collection[Pointer], watcher: Watcher) -> AsyncIterator[list[_Copy]]:
    """Meanwhile somebody keeps the other copies up: the projections where they do already, else this process."""
    running = await desk.running()
    ours = [pointer for pointer in pointers if not (running and _followed(pointer))]
    for pointer in ours:
        if other(pointer).version != MODELS[pointer.projection]:
            raise Impossible(
                f"{other(pointer).name} is of version {other(pointer).version}, and this program folds version "
                f"{MODELS[pointer.projection]}: do it with the program of that version"
            )
    await _fold_history(desk, [pointer for pointer in ours if pointer.projection in VERSIONS], watcher)
    copies = [_Copy(pointer) for pointer in pointers]
    async with AsyncExitStack() as stack:
        for copy in copies:
            if copy.pointer in ours:
                fold = await desk.fold(copy.pointer.projection, other(copy.pointer))
                copy.fold = asyncio.create_task(fold.run())
                stack.push_async_callback(_end, copy)
        yield copies


def _followed(pointer: Pointer) -> bool:
    """Whether projections of the live copy's version keep the other one up."""
    return other(pointer).followed and other(pointer).version == pointer.live.version


async def _end(copy: _Copy) -> None:
    if copy.fold is not None:
        copy.fold.cancel()
        await asyncio.wait([copy.fold])


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


async def _go_over(desk: Desk, copy: _Copy, options: Options, watcher: Watcher) -> list[str]:
    pointer = copy.pointer
    behind = await _caught_up(desk, copy, options.bound, watcher)
    live, shadow = pointer.live, other(pointer)
    copy.compared = Compared(same_version=live.version == shadow.version, limit=options.shown)
    watcher.begin(f"comparing {live.name} and {shadow.name}")
    await compare(desk.base, pointer.projection, (live.name, shadow.name), copy.compared, watcher.done)
    watcher.compared(pointer, copy.compared)
    refused = refusals(copy.compared, behind, options.bound, accepted=options.accept_differences)
    if refused:
        return refused
    if not await asyncio.to_thread(watcher.wanted, pointer):
        return []
    await _caught_up(desk, copy, options.bound, watcher)
    found, accepted = sum(copy.compared.kinds.values()), copy.compared.unexplained
    done = CutOver(pointer.projection, live.name, shadow.name, shadow.version, found, accepted)
    await _switch(desk, copy, done, watcher)
    return []


async def _caught_up(desk: Desk, copy: _Copy, bound: int, watcher: Watcher) -> int:
    """Returns once it is no more than `bound` events behind the log: how many."""
    name, best, since = other(copy.pointer).name, 1 << 62, time.monotonic()
    watcher.begin(f"{name} catches up")
    while True:
        copy.alive()
        ends = await desk.ends(copy.pointer.projection)
        behind = lag(ends, await following(desk.base, name))
        if behind <= bound:
            return behind
        if behind < best:
            best, since = behind, time.monotonic()
        elif time.monotonic() - since > STANDSTILL:
            raise CalledOff(f"{name} is {behind} events behind the log and gets no nearer")
        await asyncio.sleep(LOOK)


async def _switch(desk: Desk, copy: _Copy, done: CutOver | RolledBack, watcher: Watcher) -> None:
    """The projections take the other copy over if they fold that version; else it is folded here until they do."""
    pointer, running = copy.pointer, await desk.running()
    handed = running and other(pointer).version == pointer.live.version
    if handed:
        await _end(copy)
        copy.fold = None
    watcher.begin(f"{pointer.projection}: {pointer.live.name} -> {other(pointer).name}")
    moved = await switch(desk, pointer, desk.told(done), handed=handed, alive=copy.alive)
    watcher.moved(moved)
    if running and not handed:
        await asyncio.to_thread(watcher.restart, moved)
