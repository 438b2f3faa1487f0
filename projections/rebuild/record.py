"""How far the last rebuild of each read model is, and what it found, on record in MongoDB for who looks elsewhere.

The command writes a document for each read model that it makes again, every second. One that is killed writes no more:
who reads it goes by `updated`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal

import msgspec
import orjson
from msgspec import Struct

from projections.copies.copies import Pointer, other
from projections.mongo.connection import REBUILDS, Database, answered
from projections.mongo.errors import Unavailable
from projections.position import Document
from projections.rebuild.difference import fields
from projections.rebuild.gate import Compared, Difference
from projections.rebuild.watcher import Watcher
from streams import clock
from streams.background import pause

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two writes."""
WIDE = 120
"""Characters of a value that are kept."""
CUT_SHORT = "it was cut short: the same command goes on where it was"
State = Literal["running", "asking", "done", "refused", "failed"]


class Field(Struct):
    """What a field is in either document, as JSON; `-` where it is not there."""

    name: str
    live: str
    other: str


class Differing(Struct):
    """A document that differs; where one copy has none, its only field has no name."""

    id: str
    kind: str
    fields: list[Field]


class Comparison(Struct):
    """What `Compared` tells, of the copies of these names."""

    live: str
    other: str
    documents: dict[str, int]
    digests: dict[str, str]
    ahead: int
    kinds: dict[str, int]
    unexplained: int
    first: list[Differing]


class Folded(Struct):
    """The log was folded from where it was left."""

    events: int
    seconds: float


class Rebuild(Struct):
    """The last one of a read model. `count` of `total` is how far its present `part` is, in events or documents."""

    began: datetime
    by: str
    why: str
    state: State = "running"
    updated: datetime = clock.EPOCH
    part: str = ""
    count: int = 0
    total: int | None = None
    folded: Folded | None = None
    compared: Comparison | None = None
    moved: bool = False
    reasons: list[str] = []


class Recording:
    """A watcher that passes on what it is told, and remembers it by read model."""

    def __init__(self, watcher: Watcher, rebuilds: Mapping[str, Rebuild]) -> None:
        self._watcher, self.rebuilds = watcher, rebuilds

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records."""
        for rebuild in self.rebuilds.values():
            rebuild.part, rebuild.count, rebuild.total = what, 0, total
        self._watcher.begin(what, total)

    def done(self, count: int) -> None:
        """So many of them, in all."""
        for rebuild in self.rebuilds.values():
            rebuild.count = count
        self._watcher.done(count)

    def folded(self, events: int, seconds: float) -> None:
        """The log was folded from where it was left."""
        for rebuild in self.rebuilds.values():
            rebuild.folded = Folded(events, round(seconds, 1))
        self._watcher.folded(events, seconds)

    def compared(self, pointer: Pointer, compared: Compared) -> None:
        """Both copies were held against each other."""
        self.rebuilds[pointer.projection].compared = _comparison(pointer, compared)
        self._watcher.compared(pointer, compared)

    async def wanted(self, pointer: Pointer) -> bool:
        """Whether readers are to go over."""
        rebuild = self.rebuilds[pointer.projection]
        rebuild.state = "asking"
        try:
            return await self._watcher.wanted(pointer)
        finally:
            rebuild.state = "running"

    def moved(self, pointer: Pointer) -> None:
        """Readers went over."""
        self.rebuilds[pointer.projection].moved = True
        self._watcher.moved(pointer)

    async def restart(self, pointer: Pointer) -> None:
        """The projections run a fold that is not the live copy's."""
        await self._watcher.restart(pointer)

    def ended(self, refused: Mapping[str, Sequence[str]]) -> None:
        """All of it is done; by read model why readers may not go over."""
        for name, rebuild in self.rebuilds.items():
            rebuild.reasons = list(refused.get(name, ()))
            rebuild.state = "refused" if rebuild.reasons else "done"

    def failed(self, why: str) -> None:
        """It ended before it was done."""
        for rebuild in self.rebuilds.values():
            rebuild.state, rebuild.reasons = "failed", [why]


@asynccontextmanager
async def recorded(
    base: Database, projections: Sequence[str], words: tuple[str, str], watcher: Watcher
) -> AsyncIterator[Recording]:
    """Meanwhile what the watcher is told is put on record, and in the end how it ended. Say `ended` if it did well."""
    began = clock.now()
    recording = Recording(watcher, {name: Rebuild(began, *words) for name in projections})
    ended = asyncio.Event()
    keeping = asyncio.create_task(_keep(base, recording, ended))
    try:
        yield recording
    except asyncio.CancelledError:
        recording.failed(CUT_SHORT)
        raise
    except Exception as error:
        recording.failed(str(error) or repr(error))
        raise
    finally:
        ended.set()
        await keeping


async def read(base: Database) -> dict[str, Rebuild]:
    """The last rebuild of each read model that was ever made again. Raises `Unavailable`."""
    with answered():
        return {one.pop("_id"): msgspec.convert(one, Rebuild) async for one in base[REBUILDS].find()}


async def _keep(base: Database, recording: Recording, ended: asyncio.Event) -> None:
    """One write after the other, and the last one when it has ended: two at once might be stored in either order."""
    while not ended.is_set():
        await _write(base, recording)
        await pause(ended, EVERY)
    await _write(base, recording)


async def _write(base: Database, recording: Recording) -> None:
    """It is only looked at, so a rebuild does not end because it can't be written."""
    try:
        for name, rebuild in recording.rebuilds.items():
            rebuild.updated = clock.now()
            document: Document = msgspec.to_builtins(rebuild)
            with answered():
                await base[REBUILDS].replace_one({"_id": name}, document, upsert=True)
    except Unavailable as error:
        log.warning("how far the rebuild is can't be put on record: %s", error)


def _comparison(pointer: Pointer, compared: Compared) -> Comparison:
    return Comparison(
        pointer.live.name,
        other(pointer).name,
        {side: compared.documents[side] for side in ("live", "other")},
        {side: compared.digests.get(side, "") for side in ("live", "other")},
        compared.ahead,
        {str(kind): count for kind, count in compared.kinds.items()},
        compared.unexplained,
        [_differing(difference) for difference in compared.first],
    )


def _differing(difference: Difference) -> Differing:
    live, beside = difference.live, difference.other
    if live is None or beside is None:
        there = [Field("", "there" if live else "missing", "there" if beside else "missing")]
        return Differing(difference.id, difference.kind, there)
    names = fields(live, beside)
    found = [Field(name, *(told(one.get(name, ...)) for one in (live, beside))) for name in names]
    return Differing(difference.id, difference.kind, found)


def told(value: object) -> str:
    """A field's value in writing; `...` is one that is not there."""
    return "-" if value is ... else orjson.dumps(value, repr).decode()[:WIDE]
