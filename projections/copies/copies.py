"""Which copies of a read model there are, which one is read, and in what order they are written. Pure.

A copy is a collection with positions of its own. A read model has one that is `live`, which is read, and at most one
other: a shadow that is being made, or the one that was live before and is kept for roll-back. A pointer document says
so; a cut-over is one write to it.

What makes a cut-over invisible to readers is an order: one copy *leads*, every event goes there first, and to the other
only once it is stored there. Whoever goes from the one that follows to the one that leads finds no less than before.
So a copy is made to lead; what is on the log then must be folded into it; and it may become the live one. Whoever
writes looks at the pointer after it has taken events off the log: what it writes in the old order was there before.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from streams.exits import Refused
from streams.operations import Event


class Impossible(Exception):
    """What is asked for does not go with the copies that there are."""


class Copy(Struct, frozen=True):
    """`name` is its collection's. `followed`: the projections keep it up. `served`: it was live once."""

    name: str
    version: int
    followed: bool = True
    served: bool = True


class Pointer(Struct, frozen=True):
    """The copies of one read model. `made` counts those there ever were, `revision` the changes of this pointer.

    `owed` is the operation by which it came to be so, until that is on its topic.
    """

    projection: str
    live: Copy
    other: Copy | None = None
    leading: str = ""
    made: int = 1
    revision: int = 0
    owed: Event | None = None

    @property
    def copies(self) -> tuple[Copy, ...]:
        """The leading one first."""
        there = (self.live,) if self.other is None else (self.live, self.other)
        return tuple(sorted(there, key=lambda copy: copy.name != self.leading))


def alone(projection: str, version: int) -> Pointer:
    """Where no copy was ever made, the live one has the read model's own name."""
    return Pointer(projection, Copy(projection, version), leading=projection)


def begun(pointer: Pointer, version: int) -> Pointer:
    """With a shadow of this version; the same pointer if there is one. Raises `Impossible` beside any other copy."""
    there = pointer.other
    if there is None:
        number = pointer.made + 1
        shadow = Copy(f"{pointer.projection}_{number}", version, followed=False, served=False)
        return _changed(pointer, other=shadow, made=number)
    if there.served:
        raise Impossible(f"{_told(there)} is kept for roll-back: `rebuild {pointer.projection} --drop` it first")
    if there.version != version:
        raise Impossible(
            f"{_told(there)} was begun, and this program is of version {version}: go on with that one, or "
            f"`rebuild {pointer.projection} --drop` what it made"
        )
    return pointer


def led(pointer: Pointer, *, followed: bool) -> Pointer:
    """The other copy leads; `followed`: the projections are to keep it up from now on."""
    copy = other(pointer)
    return _changed(pointer, leading=copy.name, other=replace(copy, followed=copy.followed or followed))


def called_off(pointer: Pointer) -> Pointer:
    """The live copy leads again."""
    return _changed(pointer, leading=pointer.live.name)


def cut_over(pointer: Pointer, told: Event) -> Pointer:
    """The other copy, which must lead, is the live one; the one that was live is kept."""
    copy = other(pointer)
    if pointer.leading != copy.name:
        raise Impossible(f"expected {copy.name} to lead, it is {pointer.leading}: the cut-over was called off")
    return _changed(pointer, live=replace(copy, followed=True, served=True), other=pointer.live, owed=told)


def dropped(pointer: Pointer, told: Event) -> Pointer:
    """Without the other copy; a cut-over to it that was under way is called off."""
    other(pointer)
    return _changed(pointer, other=None, leading=pointer.live.name, owed=told)


class Plan(NamedTuple):
    """What a program writes: layers of copies by read model, each after the one before.

    `ahead` are the leading copies of other versions, by read model: somebody else writes them, and no copy here may
    pass them.
    """

    layers: tuple[dict[str, str], ...]
    ahead: dict[str, str]


def plan(pointers: Iterable[Pointer], versions: Mapping[str, int]) -> Plan:
    """For a program with these folds. Raises `Refused` if a read model has no copy that it could write."""
    layers: tuple[dict[str, str], ...] = ({}, {})
    ahead: dict[str, str] = {}
    for pointer in pointers:
        version = versions[pointer.projection]
        own = [copy for copy in pointer.copies if copy.version == version and copy.followed]
        if not own:
            raise Refused(
                f"{_told(pointer.live)} is the live copy of {pointer.projection}, and this program folds version "
                f"{version}: `./tidings rebuild {pointer.projection}` makes a copy of that version beside it and "
                "cuts over; or run the program of the other version"
            )
        for layer, copy in zip(layers, own, strict=False):
            layer[pointer.projection] = copy.name
        if own[0].name != pointer.leading:
            ahead[pointer.projection] = pointer.leading
    return Plan(tuple(layer for layer in layers if layer), ahead)


def other(pointer: Pointer) -> Copy:
    """The copy that is not live. Raises `Impossible`."""
    if pointer.other is None:
        raise Impossible(f"{pointer.projection} has no other copy than {_told(pointer.live)}")
    return pointer.other


def _told(copy: Copy) -> str:
    return f"{copy.name} (version {copy.version})"


def _changed(pointer: Pointer, **changes: object) -> Pointer:
    return replace(pointer, revision=pointer.revision + 1, **changes)
