"""NotificationJob and NotificationLog as they are asked for: by the gateway, and as a whole by an audit."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from projections import jobs, preferences, story
from projections.position import Document
from projections.store import POSITIONS, VERSIONS, Collection, Database, answered
from projections.windows import pipeline, windows
from streams.clock import EPOCH

AT_ONCE = 1000
"""Documents of a whole collection that are held together."""


class Reads:
    """What is asked for. All of it raises `Unavailable`."""

    def __init__(self, base: Database) -> None:
        self._jobs, self._story, self._positions = base[jobs.PROJECTION], base[story.PROJECTION], base[POSITIONS]
        self._preferences = base[preferences.PROJECTION]

    async def job(self, notification: str) -> Document | None:
        """One document."""
        with answered():
            return await self._jobs.find_one({"_id": notification})

    async def preferences(self, recipient: str) -> Document | None:
        """What a recipient has set."""
        with answered():
            return await self._preferences.find_one({"_id": recipient})

    async def newest(self, filters: Mapping[str, str], before: str, limit: int) -> list[Document]:
        """Documents with a sequence below `before`, newest first."""
        page: list[Document] = []
        with answered():
            for window in windows(before, await self._newest_time()):
                wanted = limit - len(page)
                found = await self._jobs.aggregate(pipeline(window, filters, wanted), batchSize=wanted + 1)
                page += await found.to_list()
                if len(page) == limit:
                    break
        return page

    async def stored(self, notifications: Sequence[str]) -> set[str]:
        """Those of them that have a document."""
        with answered():
            found = self._jobs.find({"_id": {"$in": notifications}}, {"_id": 1})
            return {document["_id"] async for document in found}

    async def story(self, notification: str) -> list[Document]:
        """A notification's entries, oldest first."""
        with answered():
            entries = await self._story.find({"jobId": notification}).to_list()
        return sorted(entries, key=lambda entry: (entry["position"]["partition"], entry["position"]["offset"]))

    async def unread(self, user: str, limit: int) -> list[Document]:
        """The newest in-app notifications that a user has not acknowledged, oldest first."""
        newest: list[Document] = [
            {"$match": {"recipient": user}},
            {"$match": {"mailbox": "pending"}},
            {"$sort": {"seq": -1}},
            {"$limit": limit},
        ]
        with answered():
            found = await self._jobs.aggregate(newest, batchSize=limit + 1)
            return (await found.to_list())[::-1]

    async def folded(self) -> dict[int, int]:
        """The last offset that NotificationJob has taken in, by partition."""
        with answered():
            known = self._positions.find({"projection": jobs.PROJECTION})
            return {position["partition"]: position["offset"] async for position in known}

    async def every_job(self) -> AsyncIterator[list[Document]]:
        """All documents of NotificationJob in batches, as they lie; those that move meanwhile may come in any state."""
        async for batch in _batches(self._jobs):
            yield batch

    async def every_entry(self) -> AsyncIterator[list[Document]]:
        """All lines of NotificationLog in batches, as they lie."""
        async for batch in _batches(self._story):
            yield batch

    async def positions(self) -> dict[str, Document]:
        """The stored positions of the projections, by `position.key`."""
        with answered():
            return {one["_id"]: one async for one in self._positions.find({"projection": {"$in": list(VERSIONS)}})}

    async def _newest_time(self) -> datetime:
        known = [position["newest"] async for position in self._positions.find({"projection": jobs.PROJECTION})]
        return max(filter(None, known), default=EPOCH)

    async def counts(self) -> dict[str, int]:
        """Notifications by status."""
        totals: dict[str, int] = {}
        with answered():
            async for position in self._positions.find({"projection": jobs.PROJECTION}):
                for status, count in position["counts"].items():
                    totals[status] = totals.get(status, 0) + count
        return totals


async def _batches(collection: Collection) -> AsyncIterator[list[Document]]:
    with answered():
        async with collection.find({}, batch_size=AT_ONCE) as found:
            while batch := await found.to_list(AT_ONCE):
                yield batch
