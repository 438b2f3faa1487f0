"""The read model DeadLetter in MongoDB: what its loop writes, and what the gateway and the commands read."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from projections.letters import FILTERS, PROJECTION
from projections.mongo import pages
from projections.mongo.connection import Database, answered, durable
from projections.mongo.pages import Page
from projections.mongo.schema import POSITIONS
from projections.mongo.windows import END
from projections.mongo.writing import insert, update
from projections.pointers import Pointers
from projections.position import Document, key
from projections.writes import Writes
from streams.clock import EPOCH


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
        live = await self._pointers.live(PROJECTION)
        page = Page({FILTERS[name]: value for name, value in filters.items()}, before, limit, begin)
        return await pages.newest(self._base[live], page, [*page.filters], await self._latest(live))

    async def counts(self) -> dict[str, int]:
        """Letters by kind: see `letters.counters`."""
        live = await self._pointers.live(PROJECTION)
        with answered():
            position = await self._positions.find_one({"_id": key(live, 0)})
        return {} if position is None else position["counts"]

    async def _latest(self, live: str) -> datetime:
        with answered():
            position = await self._positions.find_one({"_id": key(live, 0)})
        return EPOCH if position is None else position["newest"] or EPOCH
