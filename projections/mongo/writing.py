"""Documents and updates in, statements to the database out; whoever's view is outdated gets a `Conflict`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from bson import encode
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError

from projections.mongo.connection import Collection
from projections.mongo.errors import Conflict, Culprit, Unstorable
from projections.position import Document
from projections.writes import Update

TOGETHER, MOST_BYTES = 50, 4 * 1024 * 1024
"""Of updates in one statement: 0.06 ms each on secantusd-rs, which takes 0.4 to 1.9 ms for one by itself."""
DUPLICATE_KEY = 11000
UNENCODABLE = (BSONError, OverflowError, RecursionError, TypeError, ValueError)

Suspects = Iterable[tuple[Culprit, Document]]
"""Documents, each with whom it would convict."""


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


async def supersede(collection: Collection, documents: Sequence[Document]) -> None:
    """Each of them is stored, where nothing of a newer `version` is: the same one again is written over."""
    requests: list[UpdateOne] = []
    for document in documents:
        fields = {name: value for name, value in document.items() if name != "_id"}
        known, older = {"_id": document["_id"]}, {"version": {"$lte": document["version"]}}
        requests += (
            UpdateOne(known, {"$setOnInsert": fields}, upsert=True),
            UpdateOne(known | older, {"$set": fields}),
        )
    if requests:
        await collection.bulk_write(requests)


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


@contextmanager
def encodable(*suspects: Suspects) -> Iterator[None]:
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
