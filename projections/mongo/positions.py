"""How far folds are, in MongoDB: who moves a position has to know where it is."""

from collections.abc import Iterable, Mapping

from projections.batch import Update
from projections.mongo.connection import Database, answered, durable
from projections.mongo.schema import POSITIONS
from projections.mongo.writing import insert, update
from projections.position import LogIdentity, Position, key, read, unread, written


class Positions:
    """Where a read model that is no copy stands, by partition. All of it raises `Unavailable`."""

    def __init__(self, base: Database, name: str, version: int) -> None:
        self._stored, self._name, self._version = durable(base, POSITIONS), name, version

    async def read(self, partitions: Iterable[int], identity: LogIdentity) -> dict[int, Position]:
        """Made if missing. Raises `Refused` if they are of another log or another fold."""
        fresh = {key(self._name, one): unread(self._name, one, self._version, identity) for one in partitions}
        with answered():
            found = {one["_id"]: one async for one in self._stored.find({"_id": {"$in": list(fresh)}})}
            await insert(self._stored, [document for name, document in fresh.items() if name not in found])
        return {one["partition"]: read(one, self._version, identity) for one in (fresh | found).values()}

    async def advance(self, old: Mapping[int, Position], new: Mapping[int, Position]) -> None:
        """Raises `Conflict` if the old positions are not what is stored."""
        with answered():
            await update(
                self._stored,
                [
                    Update(key(self._name, part), {"offset": old[part].offset}, written(position))
                    for part, position in new.items()
                ],
            )
