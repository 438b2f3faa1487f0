"""All copies of read models that a program keeps up: records in, each copy written in the order that its pointer tells.

A copy is folded no further than the one that leads; if somebody else writes that one, it is waited for. One that does
not move, and is not live, was left alone by whoever made it lead: it is called off.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from aiokafka import TopicPartition

from projections.copies.copies import Plan, Pointer, called_off, plan
from projections.copies.places import reached_by_all
from projections.copies.pointers import Pointers
from projections.mongo.connection import Database
from projections.mongo.errors import Conflict, Unavailable

log = logging.getLogger(__name__)

LEADER_PATIENCE = 10.0
"""Seconds for which the leading copy may stand still while there is something for it."""


class Projector(Protocol):
    """Writes one layer: a copy of each of some read models."""

    @property
    def written(self) -> int:
        """Documents."""

    @property
    def skipped(self) -> int:
        """Events of types that are not known here."""

    async def open(self, partitions: Sequence[int]) -> dict[TopicPartition, int]:
        """Begin at the stored positions; the first offset to take, by partition."""

    def following(self) -> dict[TopicPartition, int]:
        """The first offset that is not taken yet, by partition."""

    async def project(self, records: Sequence[Any]) -> list[str]:
        """Take these in; the notifications whose requests they answer."""

    async def check(self) -> None:
        """Raises `Conflict` if the stored positions are not where it left them."""


class Model:
    """Read models that are folded together: the versions of their folds, and what writes copies of them, by name."""

    def __init__(
        self, base: Database, versions: Mapping[str, int], projector: Callable[[Mapping[str, str]], Projector]
    ) -> None:
        self._base, self.versions, self.projector = base, versions, projector

    async def reached(self, names: Iterable[str]) -> dict[TopicPartition, int]:
        """The last offsets that all of these copies have folded; nothing of where none of them began."""
        return await reached_by_all(self._base, names)


class Layers:
    """A projector itself; of one layer at most times."""

    def __init__(self, pointers: Pointers, model: Model) -> None:
        self._pointers, self._model = pointers, model
        self._plan = Plan((), {})
        self._by: dict[str, Pointer] = {}
        self._projectors: list[Projector] = []
        self._written = self._skipped = 0
        self._waiting: tuple[float, dict[TopicPartition, int]] = (0.0, {})
        self.opened = 0
        """How often all that was held was dropped."""
        self.hindered = ""
        """Which copy is waited for."""

    @property
    def written(self) -> int:
        """Documents."""
        return self._written + sum(projector.written for projector in self._projectors)

    @property
    def skipped(self) -> int:
        """Events of types that are not known here; counted for each layer."""
        return self._skipped + sum(projector.skipped for projector in self._projectors)

    async def allowed(self) -> None:
        """Raises `Refused` if there is no copy that this program could write, as far as MongoDB answers."""
        with suppress(Unavailable):
            plan((await self._pointers.read(self._model.versions)).values(), self._model.versions)

    async def changed(self) -> bool:
        """Whether the pointers are not those it works by. To be asked between taking records and projecting them."""
        revisions = await self._pointers.revisions(self._by)
        return revisions != {name: pointer.revision for name, pointer in self._by.items()}

    async def open(self, partitions: Sequence[int]) -> dict[TopicPartition, int]:
        """Drop all that is held, read pointers and positions: the first offsets to take. Raises `Refused`."""
        self._written, self._skipped, self._projectors = self.written, self.skipped, []
        self.opened += 1
        self._by = await self._pointers.read(self._model.versions)
        self._plan = plan(self._by.values(), self._model.versions)
        self._projectors = [self._model.projector(names) for names in self._plan.layers]
        for projector in self._projectors:
            await projector.open(partitions)
        return self.following()

    def following(self) -> dict[TopicPartition, int]:
        """The first offset that is not taken into all copies yet, by partition."""
        offsets = [projector.following() for projector in self._projectors]
        return {place: min(each[place] for each in offsets) for place in offsets[0]}

    async def check(self) -> None:
        """Raises `Conflict` if the stored positions are not where it left them."""
        for projector in self._projectors:
            await projector.check()

    async def project(self, records: Sequence[Any]) -> list[str]:
        """Take these in, or as many as may be by now: go to `following` if it is `hindered`."""
        released = await self._released(records)
        answered: list[str] = []
        for projector in self._projectors if released else ():
            answered = await projector.project(released)
        return answered

    async def _released(self, records: Sequence[Any]) -> Sequence[Any]:
        if not self._plan.ahead:
            self.hindered = ""
            return records
        reached = await self._model.reached(self._plan.ahead.values())
        released = [one for one in records if one.offset <= reached.get(TopicPartition(one.topic, one.partition), -1)]
        if len(released) == len(records):
            self.hindered, self._waiting = "", (0.0, {})
        else:
            self.hindered = f"waits for {', '.join(self._plan.ahead.values())}"
            await self._wait(reached)
        return released

    async def _wait(self, reached: dict[TopicPartition, int]) -> None:
        since, before = self._waiting
        if reached != before:
            self._waiting = (time.monotonic(), reached)
        elif time.monotonic() - since > LEADER_PATIENCE:
            for pointer in map(self._by.__getitem__, self._plan.ahead):
                if pointer.live.name != pointer.leading:
                    log.warning("%s was to be cut over to, and does not move: called off", pointer.leading)
                    with suppress(Conflict):
                        await self._pointers.write(pointer, called_off(pointer))
