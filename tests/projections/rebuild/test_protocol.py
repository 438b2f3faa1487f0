"""Readers, writers, a growing log, and cut-overs both ways, each step between any two others: none goes back in time.

What `projections.copies.layers` and `projections.rebuild.switch` do is told here in steps as the servers see them. A
copy is the offset of the newest event that its documents show, and its position.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from projections.copies.copies import Pointer, alone, begun, cut_over, led, other, plan
from projections.rebuild.gate import passed
from tests.projections.copies.test_copies import DONE

STEPS = 1500
READERS = (0, 1)
Program = Iterator[None]


@dataclass
class World:
    pointer: Pointer
    end: int = 0
    shows: dict[str, int] = field(default_factory=lambda: {"M": 0, "M_2": 0})
    stands: dict[str, int] = field(default_factory=lambda: {"M": 0, "M_2": 0})
    seen: int = 0
    """By whoever read last."""
    asked: dict[int, int] = field(default_factory=dict)
    """How many questions each reader has had answered."""
    owner: int = 0
    """Which of the writers reads the partition; another one can't move a position any more."""
    moves: int = 0


def producer(world: World) -> Program:
    while True:
        world.end += 1
        yield


def reader(world: World, number: int) -> Program:
    while True:
        before = world.seen
        name = world.pointer.live.name
        yield
        shown = world.shows[name]
        assert shown >= before, f"{name} shows {shown}, and {before} was seen before this was asked"
        world.seen = max(world.seen, shown)
        world.asked[number] = world.asked.get(number, 0) + 1
        yield


def writer(world: World, version: int, number: int, fault: str) -> Program:
    """The projections of a program, as `Layers` works; it may not have noticed that the partition is another's."""
    while True:
        pointer = world.pointer
        layers, ahead = plan([pointer], {"M": version})
        yield
        while fault != "it looks first" or world.pointer is pointer:
            yield
            until = world.end
            yield
            if fault != "it looks first" and world.pointer is not pointer:
                break
            until = min([until, *(world.stands[name] for name in ahead.values())])
            for layer in reversed(layers) if fault == "what leads comes last" else layers:
                yield
                yield from store(world, layer["M"], until, number)
                if world.owner != number:
                    return


def store(world: World, name: str, until: int, number: int) -> Program:
    world.shows[name] = max(world.shows[name], until)
    yield
    if world.owner == number:
        world.stands[name] = max(world.stands[name], until)
    yield


def command(world: World, fault: str) -> Program:
    """Goes over to the other copy, and back, and so on."""
    while True:
        asked = dict(world.asked)
        while other(world.pointer).served and fault != "questions are not waited for" and waiting(world, asked):
            yield
        leading = world.pointer = led(world.pointer, followed=other(world.pointer).version == 1)
        yield
        ends = {0: world.end if fault != "the end is not asked for" else 0}
        yield
        while not passed(ends, {0: world.stands[leading.leading]}):
            yield
        world.pointer = cut_over(leading, DONE)
        world.moves += 1
        yield


def waiting(world: World, asked: dict[int, int]) -> bool:
    """Whether a question of then may still be under way."""
    return any(world.asked.get(number, 0) <= asked.get(number, 0) for number in READERS)


def folding(world: World, name: str) -> Program:
    """A program of the other version: its copy is bound by the one that leads, too."""
    while True:
        pointer, until = world.pointer, world.end
        yield
        if world.pointer is pointer:
            until = until if pointer.leading == name else min(until, world.stands[pointer.leading])
            yield from store(world, name, until, world.owner)
        yield


def lived(chance: random.Random, version: int, fault: str = "") -> World:
    """Whoever's turn it is makes a step; now and then the writer loses its partition to another, in the middle."""
    world = World(begun(alone("M", 1), version))
    writers = [writer(world, 1, 0, fault)]
    others = [producer(world), *(reader(world, number) for number in READERS), command(world, fault)]
    if version != 1:
        others.append(folding(world, "M_2"))
    for _ in range(STEPS):
        if chance.random() < 0.01:
            world.owner += 1
            writers = [*writers[-2:], writer(world, 1, world.owner, fault)]
        next(chance.choice([*writers, *others, writers[-1]]), None)
    return world


@pytest.mark.parametrize("version", [1, 2])
def test_nobody_goes_back_in_time(version: int) -> None:
    for seed in range(300):
        lived(random.Random(seed), version)


def test_there_is_something_to_be_seen() -> None:
    for version in (1, 2):
        worlds = [lived(random.Random(seed), version) for seed in range(5)]
        assert all(world.moves > 2 for world in worlds)
        assert all(world.seen > 50 for world in worlds)


@pytest.mark.parametrize(
    "fault",
    ["it looks first", "the end is not asked for", "what leads comes last", "questions are not waited for"],
)
def test_each_part_of_it_is_needed(fault: str) -> None:
    with pytest.raises(AssertionError, match="was seen before"):
        [lived(random.Random(seed), 1, fault) for seed in range(300)]
