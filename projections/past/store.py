"""NotificationHistory and StatusTally in MongoDB, as their loop reads and writes them.

The order of a batch makes a crash harmless: sums, durably; stories, durably; the position. What comes again after it is
in the sums already, by their offsets, and in the stories. A second writer is harmless for the same reason: a sum, like
a story, is all that the log has for it up to its offset, whoever wrote it.
"""

from collections.abc import Iterable, Mapping

from projections.models import companion
from projections.mongo.connection import Database, answered, by_id, durable
from projections.mongo.writing import insert, update
from projections.past import history, tallies
from projections.past.history import History
from projections.position import Document
from projections.writes import Update, Writes


class PastStore:
    """What the loop reads and writes: one copy of both, by default that with their own names.

    All of it raises `Unavailable`.
    """

    def __init__(self, base: Database, name: str = history.PROJECTION) -> None:
        self.name = name
        """The copy's."""
        self._histories = durable(base, name)
        self._tallies = durable(base, companion(tallies.PROJECTION, history.PROJECTION, name))

    async def histories(self, subjects: Iterable[str]) -> dict[str, History]:
        """The stories of those that have one."""
        found = await by_id(self._histories, subjects)
        return {name: history.restored(one) for name, one in found.items()}

    async def sums(self, names: Iterable[str]) -> dict[str, Document]:
        """Those of them that are stored."""
        return await by_id(self._tallies, names)

    async def write(self, sums: Writes, before: Mapping[str, History], after: Mapping[str, History]) -> None:
        """Store sums, then stories. Raises `Conflict`."""
        born = [history.document(one) for name, one in after.items() if name not in before]
        moved = [
            Update(name, {"offset": before[name].offset}, history.changes(one))
            for name, one in after.items()
            if name in before
        ]
        with answered():
            await insert(self._tallies, sums.documents)
            await update(self._tallies, sums.updates)
            await insert(self._histories, born)
            await update(self._histories, moved)
