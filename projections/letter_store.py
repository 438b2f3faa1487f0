"""The read model DeadLetter in MongoDB: what its loop writes, and what the gateway and the commands read."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from projections.jobs import since
from projections.letters import FILTERS, PROJECTION, Writes
from projections.mongo.connection import Database, answered, durable
from projections.mongo.schema import POSITIONS
from projections.mongo.writing import insert, update
from projections.pointers import Pointers
from projections.position import Document, key
from projections.windows import END, Window, windows
from streams.clock import EPOCH, milliseconds


class LetterStore:
    """What the loop reads and writes: one copy, by default that with the read model's own name.

    All of it raises `Unavailable`.
    """

    def __init__(self, base: Database, name: str = PROJECTION) -> None:
        self.name = name
        """The copy's."""
        self._letters = durable(base, name)

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
