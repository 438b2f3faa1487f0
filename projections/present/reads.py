"""NotificationJob and NotificationLog as they are asked for: by the gateway, and as a whole by an audit.

Each question asks the pointer first which copy is live: a cut-over is seen by the next one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from projections.copies.places import positions
from projections.copies.pointers import Pointers
from projections.models import OF_LOG, companion
from projections.mongo.connection import POSITIONS, Collection, Database, answered, by_id
from projections.mongo.pages import Page, in_batches, newest
from projections.position import Document, key
from projections.present import jobs, preferences, story
from streams.clock import EPOCH


class Reads:
    """What is asked for. All of it raises `Unavailable`."""

    def __init__(self, base: Database) -> None:
        self._base, self._positions, self._pointers = base, base[POSITIONS], Pointers(base)

    async def job(self, notification: str) -> Document | None:
        """One document."""
        stored = await self._live(jobs.PROJECTION)
        with answered():
            return await stored.find_one({"_id": notification})

    async def preferences(self, recipient: str) -> Document | None:
        """What a recipient has set."""
        stored = await self._live(preferences.PROJECTION)
        with answered():
            return await stored.find_one({"_id": recipient})

    async def several(self, notifications: Sequence[str]) -> dict[str, Document]:
        """The documents of those of them that have one."""
        return await by_id(await self._live(jobs.PROJECTION), notifications)

    async def newest(
        self, filters: Mapping[str, str], before: str, limit: int, begin: datetime = EPOCH
    ) -> list[Document]:
        """Documents with a sequence below `before`, from `begin` on, newest first."""
        stored = await self._live(jobs.PROJECTION)
        page = Page(filters, before, limit, begin)
        return await newest(stored, page, jobs.SELECTIVE, await self._latest(stored.name))

    async def stored(self, notifications: Sequence[str]) -> set[str]:
        """Those of them that have a document."""
        return set(await by_id(await self._live(jobs.PROJECTION), notifications, ["_id"]))

    async def story(self, notification: str) -> list[Document]:
        """A notification's entries, oldest first."""
        stored = await self._live(story.PROJECTION)
        with answered():
            entries = await stored.find({"jobId": notification}).to_list()
        return sorted(entries, key=lambda entry: (entry["position"]["partition"], entry["position"]["offset"]))

    async def entries(self, names: Sequence[str]) -> dict[str, Document]:
        """The lines of stories that have these ids."""
        return await by_id(await self._live(story.PROJECTION), names)

    async def unread(self, user: str, limit: int, *, sending: bool = False) -> list[Document]:
        """The newest in-app notifications that a user has not acknowledged, oldest first; or those `sending` too."""
        pending: Document = {"mailbox": "pending"}
        under_way: Document = {"type": "in-app", "status": "sending", "acknowledgedAt": {"$exists": False}}
        newest: list[Document] = [
            {"$match": {"recipient": user}},
            {"$match": {"$or": [pending, under_way]} if sending else pending},
            {"$sort": {"seq": -1}},
            {"$limit": limit},
        ]
        stored = await self._live(jobs.PROJECTION)
        with answered():
            found = await stored.aggregate(newest, batchSize=limit + 1)
            return (await found.to_list())[::-1]

    async def folded(self) -> dict[int, int]:
        """The last offset that NotificationJob has taken in, by partition."""
        known = await positions(self._base, await self._pointers.live(jobs.PROJECTION))
        return {position["partition"]: position["offset"] for position in known}

    async def every(self, projection: str, part: str | None = None) -> AsyncIterator[list[Document]]:
        """All documents of a read model in batches, as they lie; those that move meanwhile may come in any state."""
        live = await self._pointers.live(projection)
        async for batch in in_batches(self._base[companion(part or projection, projection, live)]):
            yield batch

    async def positions(self) -> dict[str, Document]:
        """The stored positions of the live copies, by the `position.key` of their read model."""
        names = {await self._pointers.live(projection): projection for projection in OF_LOG}
        with answered():
            found = [one async for one in self._positions.find({"projection": {"$in": list(names)}})]
        return {key(names[one["projection"]], one["partition"]): one for one in found}

    async def _live(self, projection: str) -> Collection:
        return self._base[await self._pointers.live(projection)]

    async def _latest(self, live: str) -> datetime:
        return max(filter(None, (one["newest"] for one in await positions(self._base, live))), default=EPOCH)

    async def counts(self) -> dict[str, int]:
        """Notifications by status."""
        totals: dict[str, int] = {}
        for position in await positions(self._base, await self._pointers.live(jobs.PROJECTION)):
            for status, count in position["counts"].items():
                totals[status] = totals.get(status, 0) + count
        return totals
