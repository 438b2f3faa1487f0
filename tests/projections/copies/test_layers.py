"""The order in which copies are written, and who is waited for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import pytest
from aiokafka import TopicPartition

from projections.copies import layers
from projections.copies.copies import Pointer, alone, begun, cut_over, led
from projections.copies.layers import Layers, Model
from projections.copies.pointers import Pointers
from streams.exits import Refused
from tests.projections.copies.test_copies import DONE

PLACE = TopicPartition("log", 0)


class Raw(NamedTuple):
    offset: int
    topic: str = PLACE.topic
    partition: int = PLACE.partition


@dataclass
class Kept:
    """Pointers as MongoDB would keep them."""

    pointer: Pointer

    async def read(self, _: Iterable[str]) -> dict[str, Pointer]:
        return {"M": self.pointer}

    async def revisions(self, names: Iterable[str]) -> dict[str, int]:
        return dict.fromkeys(names, self.pointer.revision)

    async def write(self, old: Pointer, new: Pointer) -> None:
        assert old.revision == self.pointer.revision
        self.pointer = new


@dataclass
class Written:
    """A model whose copies are lists of offsets, in the order they were written."""

    versions: Mapping[str, int] = field(default_factory=lambda: {"M": 1})
    log: list[tuple[str, int]] = field(default_factory=list)
    elsewhere: dict[TopicPartition, int] = field(default_factory=dict)

    def projector(self, names: Mapping[str, str]) -> "Copy":
        return Copy(self, names["M"])

    async def reached(self, _: Iterable[str]) -> dict[TopicPartition, int]:
        return self.elsewhere

    def offset(self, copy: str) -> int:
        return max((offset for name, offset in self.log if name == copy), default=-1)


@dataclass
class Copy:
    model: Written
    name: str
    written: int = 0
    skipped: int = 0

    async def open(self, _: Sequence[int]) -> dict[TopicPartition, int]:
        return self.following()

    def following(self) -> dict[TopicPartition, int]:
        return {PLACE: self.model.offset(self.name) + 1}

    async def project(self, records: Sequence[Raw]) -> list[str]:
        new = [one.offset for one in records if one.offset > self.model.offset(self.name)]
        self.model.log += [(self.name, offset) for offset in new]
        self.written += len(new)
        return ["n"]

    async def check(self) -> None:
        pass


async def opened(pointer: Pointer, model: Written) -> tuple[Layers, Kept]:
    kept = Kept(pointer)
    made = Layers(cast("Pointers", kept), cast("Model", model))
    await made.open([0, 3])
    return made, kept


SHADOWED = led(begun(alone("M", 1), 1), followed=True)
FOREIGN = led(begun(alone("M", 1), 2), followed=False)


async def test_what_leads_is_written_before_what_follows() -> None:
    for pointer in (SHADOWED, cut_over(SHADOWED, DONE)):
        model = Written(log=[("M", 0), ("M_2", 0)])
        work, _ = await opened(pointer, model)
        await work.project([Raw(1), Raw(2)])
        assert model.log[2:] == [("M_2", 1), ("M_2", 2), ("M", 1), ("M", 2)]


async def test_it_begins_where_the_last_of_the_copies_stands() -> None:
    model = Written(log=[("M", 7), ("M_2", 4)])
    work, _ = await opened(SHADOWED, model)
    assert work.following() == {PLACE: 5}
    await work.project([Raw(number) for number in range(5, 9)])
    assert model.log[2:] == [("M_2", 5), ("M_2", 6), ("M_2", 7), ("M_2", 8), ("M", 8)]
    assert work.written == 5


async def test_a_change_is_noticed_until_it_is_worked_by() -> None:
    work, kept = await opened(alone("M", 1), Written())
    assert not await work.changed()
    kept.pointer = SHADOWED
    assert await work.changed()
    await work.open([0])
    assert not await work.changed()


async def test_no_copy_passes_one_that_leads_and_is_written_elsewhere() -> None:
    model = Written(elsewhere={PLACE: 1})
    work, _ = await opened(FOREIGN, model)
    assert await work.project([Raw(0), Raw(1), Raw(2)]) == ["n"]
    assert (model.offset("M"), work.following(), work.hindered) == (1, {PLACE: 2}, "waits for M_2")
    assert await work.project([Raw(2)]) == []
    model.elsewhere = {PLACE: 5}
    await work.project([Raw(2)])
    assert (model.offset("M"), work.hindered) == (2, "")


async def test_a_leader_that_stands_still_is_called_off_unless_it_is_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "LEADER_PATIENCE", -1)
    for pointer, leading in ((FOREIGN, "M"), (cut_over(FOREIGN, DONE), "M_2")):
        work, kept = await opened(pointer, Written(elsewhere={PLACE: 1}))
        await work.project([Raw(2)])
        assert kept.pointer is pointer
        await work.project([Raw(2)])
        assert kept.pointer.leading == leading


async def test_a_program_that_could_write_no_copy_is_refused() -> None:
    with pytest.raises(Refused, match="rebuild M"):
        await opened(alone("M", 2), Written())
