"""The pointer documents in MongoDB: which copy of a read model is live. Changed in one write.

Nobody who reads a read model may keep one for the next question: a cut-over is in force at once, and everywhere.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from projections.copies.copies import Pointer, alone
from projections.models import VERSIONS
from projections.mongo.connection import POINTERS, POSITIONS, Database, answered, by_id, durable
from projections.mongo.errors import Conflict
from projections.mongo.writing import insert
from projections.position import Document


class Pointers:
    """Reads and changes them. All of it raises `Unavailable`."""

    def __init__(self, base: Database) -> None:
        self._pointers, self._positions = durable(base, POINTERS), base[POSITIONS]

    async def live(self, projection: str) -> str:
        """The name of the copy that is to be read."""
        with answered():
            found = await self._pointers.find_one({"_id": projection}, {"live.name": 1})
        return projection if found is None else str(found["live"]["name"])

    async def read(self, projections: Iterable[str]) -> dict[str, Pointer]:
        """The pointers of these."""
        wanted = list(projections)
        found = await by_id(self._pointers, wanted)
        return {name: _read(found[name]) if name in found else await self._alone(name) for name in wanted}

    async def revisions(self, projections: Iterable[str]) -> dict[str, int]:
        """The revisions of the pointers of these."""
        wanted = list(projections)
        found = await by_id(self._pointers, wanted, ["revision"])
        return dict.fromkeys(wanted, 0) | {name: one["revision"] for name, one in found.items()}

    async def write(self, old: Pointer, new: Pointer) -> None:
        """Raises `Conflict` if the stored one is not `old` any more."""
        fields = msgspec.to_builtins(new)
        del fields["projection"]
        with answered():
            if old.revision == 0:
                await insert(self._pointers, [{"_id": new.projection, **fields}])
                return
            found = await self._pointers.update_one({"_id": new.projection, "revision": old.revision}, {"$set": fields})
        if found.matched_count != 1:
            raise Conflict(f"the pointer of {new.projection} changed meanwhile: look at it, and try again")

    async def settle(self, pointer: Pointer) -> None:
        """Its operation is on record."""
        with answered():
            await self._pointers.update_one(
                {"_id": pointer.projection, "revision": pointer.revision}, {"$set": {"owed": None}}
            )

    async def _alone(self, projection: str) -> Pointer:
        with answered():
            stored = await self._positions.find_one({"projection": projection})
        return alone(projection, VERSIONS[projection] if stored is None else stored["version"])


def _read(stored: Document) -> Pointer:
    fields: dict[str, Any] = {**stored, "projection": stored["_id"]}
    return msgspec.convert(fields, Pointer)
