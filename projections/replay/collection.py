"""Events of a replay into a collection of MongoDB, in a database of its own beside that of the read models."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from projections.mongo.connection import answered, database, durable
from projections.mongo.errors import Unavailable
from projections.mongo.writing import UNENCODABLE, encodes, insert
from projections.position import Document
from projections.replay.handling import Failing, Passing, patiently
from projections.replay.selecting import Picked
from streams.events import Instant
from streams.settings import Settings

PATIENCE = 5.0
"""Seconds to wait for MongoDB."""
SEPARATE = "{}-replays"
"""The database of users' collections, after the one of the read models, which so can't be touched."""


class Collection:
    """Documents of events, `_id` the event's: one that comes again changes nothing."""

    at_once = 500

    def __init__(self, collection: Any, replay: str) -> None:  # noqa: ANN401 - the driver is `mongo`'s business
        self._collection, self._replay = collection, replay

    async def take(self, events: Sequence[Picked]) -> None:
        """Stored on disk."""
        documents = list({event.id: document(event, self._replay) for event in events}.values())
        await patiently(lambda: self._insert(documents))

    async def _insert(self, documents: list[Document]) -> None:
        try:
            with answered():
                await insert(self._collection, documents, repeatable=True)
        except Unavailable as error:
            raise Passing(str(error)) from error
        except UNENCODABLE as error:
            raise Failing(f"MongoDB has no form for an event near {documents[0]['_id']}: {error}") from error


def document(event: Picked, replay: str) -> Document:
    """The event's attributes with its place on the log; what BSON has no form for stays JSON text."""
    told = msgspec.json.decode(event.record.value or b"")
    made: Document = {
        **told,
        "_id": event.id,
        "kind": event.type,
        "time": msgspec.convert(told["time"], Instant),
        "position": {"partition": event.record.partition, "offset": event.record.offset},
        "replay": replay,
    }
    if not encodes(made):
        made["data"] = msgspec.json.encode(told.get("data")).decode()
    return made


@asynccontextmanager
async def storing(name: str, replay: str, settings: Settings) -> AsyncIterator[Collection]:
    """A connection for as long as it is needed."""
    own = settings.model_copy(update={"mongo_database": SEPARATE.format(settings.mongo_database)})
    async with database(own, patience=PATIENCE) as base:

        async def declare() -> None:
            """See `schema.declare` for why a collection is not left to its first write."""
            try:
                with answered():
                    await base[name].create_index("subject")
            except Unavailable as error:
                raise Passing(str(error)) from error

        await patiently(declare)
        yield Collection(durable(base, name), replay)
