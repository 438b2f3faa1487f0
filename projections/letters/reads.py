"""DeadLetter as it is asked for: by the gateway and by the commands."""

from collections.abc import Mapping
from datetime import datetime

from projections.copies.pointers import Pointers
from projections.letters.letters import FILTERS, PROJECTION
from projections.mongo import pages
from projections.mongo.connection import POSITIONS, Database, answered
from projections.mongo.pages import Page
from projections.mongo.windows import END
from projections.position import Document, key
from streams.clock import EPOCH


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
        position = await self._position(await self._pointers.live(PROJECTION))
        return {} if position is None else position["counts"]

    async def _latest(self, live: str) -> datetime:
        position = await self._position(live)
        return EPOCH if position is None else position["newest"] or EPOCH

    async def _position(self, live: str) -> Document | None:
        with answered():
            return await self._positions.find_one({"_id": key(live, 0)})
