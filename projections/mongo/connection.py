"""Settings in, the database out; its driver's errors come out as `Unavailable`."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from projections.mongo.errors import Unavailable
from projections.position import Document
from streams.settings import Settings

POSITIONS, POINTERS, REBUILDS = "positions", "pointers", "rebuilds"
"""Collections beside those of the read models."""
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts while MongoDB is away."""

Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]


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


def durable(base: Database, name: str) -> Collection:
    """A collection whose writes are on disk once they are acknowledged."""
    return base.get_collection(name, write_concern=WriteConcern(j=True))


async def by_id(
    collection: Collection, names: Iterable[str], fields: Sequence[str] | None = None
) -> dict[str, Document]:
    """The documents of these ids that are stored, or these fields of them. Raises `Unavailable`."""
    wanted = list(names)
    if not wanted:
        return {}
    with answered():
        found = collection.find({"_id": {"$in": wanted}}, fields, batch_size=len(wanted) + 1)
        return {document["_id"]: document async for document in found}


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
