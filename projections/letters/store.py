"""The read model DeadLetter in MongoDB, as its loop reads and writes it."""

from collections.abc import Iterable

from projections.letters.letters import PROJECTION
from projections.mongo.connection import Database, answered, by_id, durable
from projections.mongo.writing import insert, update
from projections.position import Document
from projections.writes import Writes


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
        return await by_id(self._letters, names)

    async def write(self, writes: Writes) -> None:
        """Store new letters and moved ones, durably. Raises `Conflict`."""
        with answered():
            await insert(self._letters, writes.documents)
            await update(self._letters, writes.updates)
