"""The read models in MongoDB: the only module that imports its driver.

A crash of either side, or a stopped writer that wakes up late, leaves nothing that going on from the stored position
would not mend:
- documents are acknowledged as durable (`j`) before the position that vouches for them is written, so a server that
  loses its unflushed tail goes back to a position whose documents it has; and positions as durable before the next
  batch, whose documents tell as what the counters of that position know them (`jobs`);
- every change of a document or a position holds only if it still is what was read, so of two writers the one with an
  outdated view gets a `Conflict`, and reads again;
- nothing that is written is written again in here, since that could hide that the server went away and came back with
  less.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import chain
from typing import Any, NamedTuple

from bson import encode
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from msgspec.structs import replace
from pymongo import ASCENDING, AsyncMongoClient, UpdateMany, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.write_concern import WriteConcern

from projections import jobs, preferences, story
from projections.batch import Update
from projections.jobs import READ, Standing, restored
from projections.models import READ_MODELS, VERSIONS, family
from projections.position import Document, LogIdentity, Place, Position, key, read, unread, written
from streams.settings import Settings

POSITIONS, POINTERS, REBUILDS = "positions", "pointers", "rebuilds"
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts while MongoDB is away."""
OWN_NAMES = {name: name for name in family("log")}
TOGETHER, MOST_BYTES = 50, 4 * 1024 * 1024
"""Of updates in one statement: 0.06 ms each on secantusd-rs, which takes 0.4 to 1.9 ms for one by itself."""
DUPLICATE_KEY = 11000
UNENCODABLE = (BSONError, OverflowError, RecursionError, TypeError, ValueError)

Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]
Culprit = str | Place
"""A notification, all of whose events are at fault, or the place of a single event that is."""
Suspects = Iterable[tuple[Culprit, Document]]
"""Documents, each with whom it would convict."""


class Unavailable(Exception):
    """MongoDB is away or refuses; nothing is wrong with what was asked of it."""


class Conflict(Exception):
    """What is stored is not what was read before: read it again."""


class Unstorable(Exception):
    """BSON has no form for something in the documents that these led to."""

    def __init__(self, culprits: set[Culprit], why: str) -> None:
        super().__init__(why)
        self.culprits = culprits


class Move(NamedTuple):
    """A step of one projection, by its copy's name, in one partition."""

    projection: str
    partition: int
    old: Position
    new: Position


def connection(settings: Settings, *, patience: float) -> Database:
    """The database, whose client somebody closes in the end; nothing is connected before it is used.

    `patience`: seconds to wait for a server that is away.
    """
    client = AsyncMongoClient[Document](
        settings.mongo_url,
        serverSelectionTimeoutMS=int(patience * 1000),
        connectTimeoutMS=int(patience * 1000),
        retryWrites=False,
        tz_aware=True,
    )
    return client[settings.mongo_database]


@asynccontextmanager
async def database(settings: Settings, *, patience: float) -> AsyncIterator[Database]:
    """Likewise, and closed."""
    base = connection(settings, patience=patience)
    async with base.client:
        yield base


async def declare(settings: Settings) -> None:
    """Make the indexes that are missing, and all collections with them. Raises `Unavailable`.

    Trap: killed while it makes a collection, secantusd-rs may never be able to read that one again (seen in 2 of 15
    kills), so none is left to be made by the first write.
    """
    async with database(settings, patience=10) as base:
        with answered():
            pointers = {one["_id"]: one async for one in base[POINTERS].find()}
            await base[POSITIONS].create_index([("projection", ASCENDING)])
            await base[POINTERS].create_index([("revision", ASCENDING)])
            await base[REBUILDS].create_index([("updated", ASCENDING)])
        for projection in READ_MODELS:
            stored = pointers.get(projection, {"live": {"name": projection}, "other": None})
            for copy in filter(None, (stored["live"], stored["other"])):
                await make(base, projection, copy["name"])


async def make(base: Database, projection: str, copy: str) -> None:
    """The collections of a copy, if they are missing, with their indexes. Raises `Unavailable`."""
    model = READ_MODELS[projection]
    with answered():
        for part, name in model.collections(copy).items():
            for fields, unique in model.parts[part].indexes:
                await base[name].create_index([(field, ASCENDING) for field in fields], unique=unique)


async def remove(base: Database, projection: str, copy: str) -> None:
    """A copy's documents and positions, for good. Raises `Unavailable`."""
    with answered():
        await base[POSITIONS].delete_many({"projection": copy})
        for name in READ_MODELS[projection].collections(copy).values():
            await base[name].drop()


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
        with answered(), _encodable(*suspects):
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
        requests: list[UpdateOne] = []
        for document in documents:
            fields = {name: value for name, value in document.items() if name != "_id"}
            known, older = {"_id": document["_id"]}, {"version": {"$lte": document["version"]}}
            requests += (
                UpdateOne(known, {"$setOnInsert": fields}, upsert=True),
                UpdateOne(known | older, {"$set": fields}),
            )
        if requests:
            with answered(), _encodable((Place(**document["position"]), document) for document in documents):
                await self._preferences.bulk_write(requests)


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


async def documents(collection: Collection, names: Iterable[str]) -> list[Document]:
    """Those with these ids that are stored. Raises `Unavailable`."""
    wanted = list(names)
    if not wanted:
        return []
    with answered():
        return await collection.find({"_id": {"$in": wanted}}, batch_size=len(wanted) + 1).to_list()


def durable(base: Database, name: str) -> Collection:
    """A collection whose writes are on disk once they are acknowledged."""
    return base.get_collection(name, write_concern=WriteConcern(j=True))


async def insert(collection: Collection, documents: list[Document], *, repeatable: bool = False) -> None:
    """Raises `Conflict` for a document that is there already, unless `repeatable`: then it is the same one.

    Trap: of a notification that is there already, SecantusDB names `seq` as the duplicate key, and MongoDB `_id`.
    """
    if not documents:
        return
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        faults = error.details["writeErrors"]
        if error.details["writeConcernErrors"] or not all(fault["code"] == DUPLICATE_KEY for fault in faults):
            raise
        if not repeatable:
            raise Conflict(f"{len(faults)} of {len(documents)} new documents of {collection.name} exist") from error


async def update(collection: Collection, updates: Sequence[Update]) -> None:
    """Raises `Conflict` if a document is not what its update says, or already what it would be after it."""
    await _change(collection, updates, whole=False)


async def replace_all(collection: Collection, updates: Sequence[Update]) -> None:
    """Likewise; a document is its changes from then on, and has no other fields any more."""
    await _change(collection, updates, whole=True)


async def _change(collection: Collection, updates: Sequence[Update], *, whole: bool) -> None:
    if not updates:
        return
    requests = [_statement(some, whole=whole) for some in _together(updates)]
    result = await collection.bulk_write(requests, ordered=False)
    if moved := len(updates) - result.modified_count:
        raise Conflict(f"{moved} of {len(updates)} documents of {collection.name} moved")


def _statement(some: Sequence[tuple[Update, RawBSONDocument]], *, whole: bool) -> UpdateMany:
    """What it asks of each document, and what it makes of it, is looked up by the id; one that moved stays as it is.

    Trap: asked for in the filter, by `$expr`, that would have a server read the whole collection.
    """
    ids = [one.id for one, _ in some]

    def of_each(values: list[Any]) -> Document:
        return {"$arrayElemAt": [{"$literal": values}, {"$indexOfArray": [{"$literal": ids}, "$_id"]}]}

    unmoved = [
        {"$eq": [{"$ifNull": [f"${name}", None]}, of_each([one.unmoved[name] for one, _ in some])]}
        for name in some[0][0].unmoved
    ]
    before = {"_id": "$_id"} if whole else "$$ROOT"
    after = {"$mergeObjects": [before, of_each([changes for _, changes in some])]}
    return UpdateMany({"_id": {"$in": ids}}, [{"$replaceWith": {"$cond": [{"$and": unmoved}, after, "$$ROOT"]}}])


def _together(updates: Iterable[Update]) -> Iterator[list[tuple[Update, RawBSONDocument]]]:
    """As many at a time as make a statement, with their changes as BSON; all of one ask for the same fields."""
    some: list[tuple[Update, RawBSONDocument]] = []
    size = 0
    for one in updates:
        raw = encode(one.changes)
        full = len(some) == TOGETHER or size + len(raw) > MOST_BYTES
        if some and (full or some[0][0].unmoved.keys() != one.unmoved.keys()):
            yield some
            some, size = [], 0
        some.append((one, RawBSONDocument(raw)))
        size += len(raw)
    if some:
        yield some


def _move(name: str, old: Position, new: Position) -> Update:
    return Update(name, {"offset": old.offset, "epoch": old.epoch}, written(new))


@contextmanager
def answered() -> Iterator[None]:
    """Has the driver's errors come out as `Unavailable`."""
    try:
        yield
    except PyMongoError as error:
        raise Unavailable(f"MongoDB: {_brief(error)}") from error


def _brief(error: PyMongoError) -> str:
    """Without the driver's timeouts and its view of all servers, which follow what went wrong."""
    return str(error).partition(" (configured timeouts:")[0].partition(", Timeout: ")[0] or type(error).__name__


@contextmanager
def _encodable(*suspects: Suspects) -> Iterator[None]:
    """`suspects` are all documents that are written meanwhile; looked at only if one is at fault."""
    try:
        yield
    except UNENCODABLE as error:
        if culprits := {culprit for culprit, document in chain(*suspects) if not encodes(document)}:
            raise Unstorable(culprits, str(error)) from error
        raise


def encodes(document: Document) -> bool:
    """Whether BSON has a form for it."""
    try:
        encode(document)
    except UNENCODABLE:
        return False
    return True
