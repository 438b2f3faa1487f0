"""All copies of read models that a program keeps up: records in, each copy written in the order that its pointer tells.

A copy is folded no further than the one that leads; if somebody else writes that one, it is waited for. One that does
not move, and is not live, was left alone by whoever made it lead: it is called off.
"""

import logging
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from aiokafka import ConsumerRecord

from projections.copies import Plan, Pointer, called_off, plan
from projections.mongo.errors import Conflict
from projections.pointers import Pointers

log = logging.getLogger(__name__)

LEADER_PATIENCE = 10.0
"""Seconds for which the leading copy may stand still while there is something for it."""

PlaceT = TypeVar("PlaceT", bound=Hashable)


class Folder(Protocol[PlaceT]):
    """Writes one layer: a copy of each of some read models."""

    written: int
    """Documents."""
    skipped: int
    """Events of types that are not known here."""

    async def open(self, partitions: Sequence[int]) -> dict[PlaceT, int]:
        """Begin at the stored positions; the first offset to take, by place."""

    def following(self) -> dict[PlaceT, int]:
        """The first offset that is not taken yet, by place."""

    async def project(self, records: Sequence[Any]) -> list[str]:
        """Take these in; the notifications whose requests they answer."""

    async def check(self) -> None:
        """Raises `Conflict` if the stored positions are not where it left them."""


class Model(Protocol[PlaceT]):
    """What differs between the read models of one log and those of another: how they are folded."""

    versions: Mapping[str, int]
    """Of the folds, by read model."""

    def folder(self, names: Mapping[str, str]) -> Folder[PlaceT]:
        """Writes these copies, by read model."""

    async def reached(self, names: Iterable[str]) -> dict[PlaceT, int]:
        """The last offset that all of these copies have folded, by place; nothing of a place that one never saw."""

    def place(self, record: ConsumerRecord) -> PlaceT:
        """What offsets are counted by."""


class Layers(Generic[PlaceT]):
    """A folder itself; of one layer at most times."""

    def __init__(self, pointers: Pointers, model: Model[PlaceT]) -> None:
        self._pointers, self._model = pointers, model
        self._plan = Plan((), {})
        self._by: dict[str, Pointer] = {}
        self._folders: list[Folder[PlaceT]] = []
        self._written = self._skipped = 0
        self._waiting: tuple[float, dict[PlaceT, int]] = (0.0, {})
        self.opened = 0
        """How often all that was held was dropped."""
        self.hindered = ""
        """Which copy is waited for."""

    @property
    def written(self) -> int:
        """Documents."""
        return self._written + sum(folder.written for folder in self._folders)

    @property
    def skipped(self) -> int:
        """Events of types that are not known here; counted for each layer."""
        return self._skipped + sum(folder.skipped for folder in self._folders)

    async def allowed(self) -> None:
        """Raises `Refused` if there is no copy that this program could write."""
        plan((await self._pointers.read(self._model.versions)).values(), self._model.versions)

    async def changed(self) -> bool:
        """Whether the pointers are not those it works by. To be asked between taking records and projecting them."""
        revisions = await self._pointers.revisions(self._by)
        return revisions != {name: pointer.revision for name, pointer in self._by.items()}

    async def open(self, partitions: Sequence[int]) -> dict[PlaceT, int]:
        """Drop all that is held, read pointers and positions: the first offset to take, by place. Raises `Refused`."""
        self._written, self._skipped, self._folders = self.written, self.skipped, []
        self.opened += 1
        self._by = await self._pointers.read(self._model.versions)
        self._plan = plan(self._by.values(), self._model.versions)
        self._folders = [self._model.folder(names) for names in self._plan.layers]
        for folder in self._folders:
            await folder.open(partitions)
        return self.following()

    def following(self) -> dict[PlaceT, int]:
        """The first offset that is not taken into all copies yet, by place."""
        offsets = [folder.following() for folder in self._folders]
        return {place: min(each[place] for each in offsets) for place in offsets[0]}

    async def check(self) -> None:
        """Raises `Conflict` if the stored positions are not where it left them."""
        for folder in self._folders:
            await folder.check()

    async def project(self, records: Sequence[Any]) -> list[str]:
        """Take these in, or as many as may be by now: go to `following` if it is `hindered`."""
        released = await self._released(records)
        answered: list[str] = []
        for folder in self._folders if released else ():
            answered = await folder.project(released)
        return answered

    async def _released(self, records: Sequence[Any]) -> Sequence[Any]:
        if not self._plan.ahead:
            self.hindered = ""
            return records
        reached = await self._model.reached(self._plan.ahead.values())
        released = [one for one in records if one.offset <= reached.get(self._model.place(one), -1)]
        if len(released) == len(records):
            self.hindered, self._waiting = "", (0.0, {})
        else:
            self.hindered = f"waits for {', '.join(self._plan.ahead.values())}"
            await self._wait(reached)
        return released

    async def _wait(self, reached: dict[PlaceT, int]) -> None:
        since, before = self._waiting
        if reached != before:
            self._waiting = (time.monotonic(), reached)
        elif time.monotonic() - since > LEADER_PATIENCE:
            for pointer in map(self._by.__getitem__, self._plan.ahead):
                if pointer.live.name != pointer.leading:
                    log.warning("%s was to be cut over to, and does not move: called off", pointer.leading)
                    with suppress(Conflict):
                        await self._pointers.write(pointer, called_off(pointer))
