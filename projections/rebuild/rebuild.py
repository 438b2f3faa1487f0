"""Read models made again, readers had go over to them, or back, and copies dropped: what `./tidings rebuild` does."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from projections.copies.copies import Impossible, Pointer, begun, dropped, other
from projections.models import VERSIONS
from projections.rebuild.desk import Desk
from projections.rebuild.difference import compare
from projections.rebuild.gate import Compared, refusals
from projections.rebuild.keeping import Kept, caught_up, kept_up
from projections.rebuild.switch import READ_OUT, switch
from projections.rebuild.watcher import Watcher
from projections.schema import make, remove
from streams.operations import CopyDropped, CutOver, RolledBack


@dataclass(frozen=True, slots=True)
class Options:
    """`bound`: events by which a shadow may be behind when readers go over. `shown`: differences that are kept."""

    bound: int = 1000
    shown: int = 10
    accept_differences: bool = False


async def rebuild(desk: Desk, projections: Sequence[str], options: Options, watcher: Watcher) -> dict[str, list[str]]:
    """Make these read models again and go over to them, if it is wanted; by read model why that was refused.

    Raises `Impossible`, `CalledOff`, `Refused`, `Unavailable`, `Conflict` and aiokafka's errors.
    """
    pointers = await desk.read(projections)
    for name, pointer in pointers.items():
        pointers[name] = await _begin(desk, pointer)
    async with kept_up(desk, pointers.values(), watcher) as copies:
        return {copy.pointer.projection: await _go_over(desk, copy, options, watcher) for copy in copies}


async def roll_back(desk: Desk, projections: Sequence[str], options: Options, watcher: Watcher) -> None:
    """Have readers go back to the copies that they read before, with all that happened since. Raises as `rebuild`."""
    pointers = await desk.read(projections)
    for pointer in pointers.values():
        if not other(pointer).served:
            raise Impossible(f"{other(pointer).name} was never live: there is nothing to go back to")
    async with kept_up(desk, pointers.values(), watcher) as copies:
        for copy in copies:
            await caught_up(desk, copy, options.bound, watcher)
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
            await remove(desk.base, pointer.projection, name)


def gone(pointer: Pointer) -> list[str]:
    """The names of all copies that there were and are not any more: a drop that was killed may have left some."""
    numbered = [f"{pointer.projection}_{number}" for number in range(2, pointer.made + 1)]
    return [name for name in (pointer.projection, *numbered) if name not in {copy.name for copy in pointer.copies}]


async def _begin(desk: Desk, pointer: Pointer) -> Pointer:
    with_shadow = begun(pointer, VERSIONS[pointer.projection])
    if with_shadow is not pointer:
        await desk.pointers.write(pointer, with_shadow)
    await make(desk.base, pointer.projection, other(with_shadow).name)
    return with_shadow


async def _go_over(desk: Desk, copy: Kept, options: Options, watcher: Watcher) -> list[str]:
    pointer = copy.pointer
    await caught_up(desk, copy, options.bound, watcher)
    live, shadow = pointer.live, other(pointer)
    compared = Compared(same_version=live.version == shadow.version, limit=options.shown)
    watcher.begin(f"comparing {live.name} and {shadow.name}")
    await compare(desk.base, pointer.projection, (live.name, shadow.name), compared, watcher.done)
    watcher.compared(pointer, compared)
    refused = refusals(compared, accepted=options.accept_differences)
    if refused:
        return refused
    if not await watcher.wanted(pointer):
        return []
    await caught_up(desk, copy, options.bound, watcher)
    found, accepted = sum(compared.kinds.values()), compared.unexplained
    done = CutOver(pointer.projection, live.name, shadow.name, shadow.version, found, accepted)
    await _switch(desk, copy, done, watcher)
    return []


async def _switch(desk: Desk, copy: Kept, done: CutOver | RolledBack, watcher: Watcher) -> None:
    """The projections take the other copy over if they fold that version; else it is folded here until they do."""
    pointer, running = copy.pointer, await desk.running()
    handed = running and other(pointer).version == pointer.live.version
    if handed:
        await copy.end()
    watcher.begin(f"{pointer.projection}: {pointer.live.name} -> {other(pointer).name}")
    moved = await switch(desk, pointer, desk.told(done), handed=handed, alive=copy.alive)
    watcher.moved(moved)
    if running and not handed:
        await watcher.restart(moved)
