"""The read model DeadLetter in MongoDB: what its loop writes, and what the gateway and the commands read."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from projections.batch import Update
from projections.jobs import since
from projections.letters import FILTERS, PROJECTION, TOPICS, VERSION, Position, Writes
from projections.mongo.connection import Database, answered, durable
from projections.mongo.schema import POSITIONS
from projections.mongo.writing import insert, update
from projections.pointers import Pointers
from projections.position import UNREAD, Document, LogIdentity, begun, key, refuse_other
from projections.windows import END, Window, windows
from streams.clock import EPOCH, milliseconds


class LetterStore:
    """What the loop reads and writes: one copy, by default that with the read model's own name.

    All of it raises `Unavailable`.
    """

    def __init__(self, base: Database, name: str = PROJECTION) -> None:
        self._name, self._position = name, key(name, 0)
        self._letters = durable(base, name)
        self._positions = durable(base, POSITIONS)

    async def position(self, identity: LogIdentity) -> Position:
        """The stored position; made if missing. Raises `Refused` if it is of other topics or of another fold."""
        with answered():
            stored = await self._positions.find_one({"_id": self._position})
            if stored is None:
                stored = _unread(self._name, identity)
                await insert(self._positions, [stored])
        refuse_other(stored, VERSION, identity)
        return Position(stored["offsets"], stored["counts"], stored["newest"], stored["revision"], stored.get("epoch"))

    async def take_over(self, identity: LogIdentity) -> Position:
        """The position, in an epoch of ours. Raises `Refused`, or `Conflict` if it moved meanwhile."""
        found = await self.position(identity)
        ours = replace(found, revision=found.revision + 1, epoch=(found.epoch or 0) + 1)
        await self.advance(found, ours)
        return ours

    async def letters(self, names: Iterable[str]) -> dict[str, Document]:
        """Those of them that are stored."""
        with answered():
            found = self._letters.find({"_id": {"$in": list(names)}})
            return {document["_id"]: document async for document in found}

    async def write(self, writes: Writes) -> None:
        """Store new letters and moved ones, durably. Raises `Conflict`."""
        with answered():
            await insert(self._letters, writes.documents)
            await update(self._letters, writes.updates)

    async def advance(self, old: Position, new: Position) -> None:
        """Raises `Conflict` if the old position is not what is stored."""
        moved = {"offset": new.offsets[TOPICS[0]], **_moving(new)}
        with answered():
            await update(self._positions, [Update(self._position, {"revision": old.revision}, moved)])


class LetterReads:
    """What is asked for. All of it raises `Unavailable`."""

    def __init__(self, base: Database) -> None:
        self._base, self._positions, self._pointers = base, base[POSITIONS], Pointers(base)

    async def letter(self, name: str) -> Document | None:
        """One document; none of a letter of which only an operation came yet."""
        live = await self._pointers.live(PROJECTION)
        with answered():
            return await self._base[live].find_one({"_id": name, "seq": {"$gte": ""}})

    async def newest(
        self, filters: Mapping[str, str], before: str = END, limit: int = 100, begin: datetime = EPOCH
    ) -> list[Document]:
        """Documents with a sequence below `before`, from `begin` on, newest first."""
        page: list[Document] = []
        live = await self._pointers.live(PROJECTION)
        with answered():
            for window in windows(before, await self._newest_time(live)):
                low = max(window.low, since(milliseconds(begin)))
                wanted = limit - len(page)
                query = pipeline(Window(low, window.high), filters, wanted)
                found = await self._base[live].aggregate(query, batchSize=wanted + 1)
                page += await found.to_list()
                if len(page) == limit or window.low <= since(milliseconds(begin)):
                    break
        return page

    async def counts(self) -> dict[str, int]:
        """Letters by kind: see `letters.counters`."""
        live = await self._pointers.live(PROJECTION)
        with answered():
            position = await self._positions.find_one({"_id": key(live, 0)})
        return {} if position is None else position["counts"]

    async def _newest_time(self, live: str) -> datetime:
        position = await self._positions.find_one({"_id": key(live, 0)})
        return EPOCH if position is None else position["newest"] or EPOCH


def pipeline(window: Window, filters: Mapping[str, str], limit: int) -> list[dict[str, Any]]:
    """The query for what is in the window, newest first; an index leads by the first filter (see `windows`)."""
    fields = [{FILTERS[name]: value} for name, value in filters.items()]
    leading, rest = (fields[0], fields[1:]) if fields else ({}, [])
    return [
        {"$match": {**leading, "seq": {"$gte": window.low, "$lt": window.high}}},
        *({"$match": one} for one in rest),
        {"$sort": {"seq": -1}},
        {"$limit": limit},
    ]


def _unread(name: str, identity: LogIdentity) -> Document:
    moving = _moving(Position(dict.fromkeys(TOPICS, UNREAD), {}, None, 0))
    return {**begun(name, 0, VERSION, identity), "offset": UNREAD, **moving}


def _moving(position: Position) -> Document:
    return {
        "offsets": dict(position.offsets),
        "counts": dict(position.counts),
        "newest": position.newest,
        "revision": position.revision,
        "epoch": position.epoch,
    }
