"""The read models of the log in MongoDB, as their projector reads and writes them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from projections import jobs, preferences, story
from projections.batch import Update
from projections.jobs import READ, Standing, restored
from projections.models import VERSIONS, family
from projections.mongo.connection import Database, answered, durable
from projections.mongo.schema import POSITIONS
from projections.mongo.writing import Suspects, encodable, insert, supersede, update
from projections.position import Document, LogIdentity, Place, Position, key, read, unread, written

OWN_NAMES = {name: name for name in family("log")}


class Move(NamedTuple):
    """A step of one projection, by its copy's name, in one partition."""

    projection: str
    partition: int
    old: Position
    new: Position


class Store:
    """What the runner reads and writes: copies of read models, by default those with the read models' own names.

    All of it raises `Unavailable`.
    """

    def __init__(self, base: Database, names: Mapping[str, str] = OWN_NAMES) -> None:
        self.names = names
        """The copies by read model; what is not of these is not written."""
        self._jobs = durable(base, names.get(jobs.PROJECTION, jobs.PROJECTION))
        self._story = durable(base, names.get(story.PROJECTION, story.PROJECTION))
        self._preferences = durable(base, names.get(preferences.PROJECTION, preferences.PROJECTION))
        self._positions = durable(base, POSITIONS)

    async def positions(self, partitions: Iterable[int], identity: LogIdentity) -> dict[str, Position]:
        """The positions of the copies, by `position.key`; made if missing. Raises `Refused`."""
        versions = {name: VERSIONS[projection] for projection, name in self.names.items()}
        fresh = [unread(name, part, version, identity) for part in partitions for name, version in versions.items()]
        wanted = {"_id": {"$in": [document["_id"] for document in fresh]}}
        with answered():
            found = {document["_id"]: document async for document in self._positions.find(wanted)}
            missing = [document for document in fresh if document["_id"] not in found]
            await insert(self._positions, missing)
        return {
            name: read(document, versions[document["projection"]], identity)
            for name, document in (found | {document["_id"]: document for document in missing}).items()
        }

    async def take_over(self, partitions: Iterable[int], identity: LogIdentity) -> dict[str, Position]:
        """The positions, each in an epoch of ours. Raises `Refused`, or `Conflict` if one moved meanwhile."""
        found = await self.positions(partitions, identity)
        ours = {name: replace(position, epoch=(position.epoch or 0) + 1) for name, position in found.items()}
        with answered():
            await update(self._positions, [_move(name, found[name], ours[name]) for name in found])
        return ours

    async def advance(self, moves: Iterable[Move]) -> None:
        """Write new positions. Raises `Conflict` if one of the old ones is not what is stored."""
        with answered():
            await update(
                self._positions, [_move(key(move.projection, move.partition), move.old, move.new) for move in moves]
            )

    async def standings(self, notifications: Sequence[str]) -> dict[str, Standing]:
        """The standings of those that are stored."""
        if not notifications:
            return {}
        with answered():
            found = self._jobs.find({"_id": {"$in": notifications}}, READ, batch_size=len(notifications) + 1)
            return {document["_id"]: restored(document) async for document in found}

    async def write(self, documents: list[Document], updates: list[Update], entries: list[Document]) -> None:
        """Store new notifications, moved ones, and lines of stories. Raises `Conflict` or `Unstorable`."""
        suspects: list[Suspects] = [
            ((document["_id"], document) for document in documents),
            ((update.id, update.changes) for update in updates),
            ((entry["jobId"], entry) for entry in entries),
        ]
        with answered(), encodable(*suspects):
            results = await asyncio.gather(
                insert(self._jobs, documents),
                update(self._jobs, updates),
                insert(self._story, entries, repeatable=True),
                return_exceptions=True,
            )
            for error in filter(None, results):
                raise error

    async def prefer(self, documents: list[Document]) -> None:
        """Store what recipients prefer, where nothing newer is there. Raises `Unstorable`.

        The same again is written over: one that an earlier program stored does not say where on the log it lies.
        """
        with answered(), encodable((Place(**document["position"]), document) for document in documents):
            await supersede(self._preferences, documents)


def _move(name: str, old: Position, new: Position) -> Update:
    return Update(name, {"offset": old.offset, "epoch": old.epoch}, written(new))
