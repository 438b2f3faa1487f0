"""The read models of the log in MongoDB, as their projector reads and writes them."""

import asyncio
from collections.abc import Mapping, Sequence

from projections.models import family
from projections.mongo.connection import Database, answered, by_id, durable
from projections.mongo.writing import Suspects, encodable, insert, supersede, update
from projections.position import Document, Place
from projections.present import jobs, preferences, story
from projections.present.jobs import READ, Standing, restored
from projections.writes import Update

OWN_NAMES = {name: name for name in family("present")}


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

    async def standings(self, notifications: Sequence[str]) -> dict[str, Standing]:
        """The standings of those that are stored."""
        found = await by_id(self._jobs, notifications, READ)
        return {name: restored(document) for name, document in found.items()}

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
