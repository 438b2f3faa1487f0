"""What the gateway asks about the past, and about causes."""

import asyncio
from collections.abc import Collection
from datetime import datetime

from projections.copies.pointers import Pointers
from projections.models import companion
from projections.mongo.connection import POSITIONS, Database, answered, by_id
from projections.past import history, tallies
from projections.past.history import History, since_1970, standing_at
from projections.past.tallies import DAY, SPANS, Range
from projections.past.why import Why, named, subject, why
from projections.position import UNREAD, Document
from projections.present import jobs
from projections.present.jobs import changes
from streams.clock import from_milliseconds

NOT_BEGUN = {"offset": UNREAD, "newest": None}


class Behind(Exception):
    """The past is not folded as far as NotificationJob is: ask again soon."""


class Past:
    """What is asked for. All of it raises `Unavailable`."""

    def __init__(self, base: Database) -> None:
        self._base, self._pointers, self._positions = base, Pointers(base), base[POSITIONS]

    async def history(self, subject: str) -> History | None:
        """One story."""
        return (await self.histories([subject])).get(subject)

    async def histories(self, subjects: Collection[str]) -> dict[str, History]:
        """The stories of those that have one; a thread reads them, since they may be long."""
        found = await by_id(self._base[await self._pointers.live(history.PROJECTION)], subjects)
        stories = await asyncio.to_thread(lambda: [history.restored(one) for one in found.values()])
        return {one.subject: one for one in stories}

    async def counts(self, time: datetime) -> dict[str, int]:
        """Notifications by their status at that time. Raises `Behind`."""
        at = since_1970(time)
        live = await self._pointers.live(history.PROJECTION)
        await self._reaches(live, time)
        found = await asyncio.gather(*(self._sums(live, one) for one in tallies.ranges(at)))
        return tallies.total([one for sums in found for one in sums], at)

    async def began(self) -> datetime | None:
        """The time of the first event of any notification; None if there is none.

        The sums lead there, from the first day to its first second: days are few, and nothing else is sorted.
        """
        live = await self._pointers.live(history.PROJECTION)
        low, high = 0, 1 << 62
        for span in SPANS:
            sums = await self._sums(live, Range(span, low, high))
            if not sums:
                return None
            low = min(one["start"] for one in sums)
            high = low + span
        return from_milliseconds(min(tallies.first(one) for one in sums if one["start"] == low))

    async def _reaches(self, live: str, time: datetime) -> None:
        """Raises `Behind` if events of that time may not be in the sums yet, though NotificationJob has them."""
        present_in = await self._pointers.live(jobs.PROJECTION)
        with answered():
            query = {"projection": {"$in": [present_in, live]}}
            found = {(one["projection"], one["partition"]): one async for one in self._positions.find(query)}
        for (projection, partition), present in found.items():
            own = found.get((live, partition), NOT_BEGUN)
            folded = own["offset"] >= present["offset"] or (own["newest"] is not None and own["newest"] > time)
            if projection == present_in and not folded:
                raise Behind

    async def _sums(self, live: str, wanted: Range) -> list[Document]:
        with answered():
            query = {"span": wanted.span, "start": {"$gte": wanted.low, "$lt": wanted.high}}
            sums = self._base[companion(tallies.PROJECTION, history.PROJECTION, live)]
            return await sums.find(query, batch_size=DAY // 1000).to_list()


async def causes(notification: str, past: Past) -> Why | None:
    """Why it stands where it does; None if it has no story."""
    story = await past.history(notification)
    if story is None or story.standing is None:
        return None
    return why(story, await past.histories({subject(name) for name in named(story)}))


def moving_at(story: History | None, updated: datetime, time: datetime) -> Document | None:
    """The fields of a NotificationJob that move, as they were at `time`; None if it was not there yet.

    `updated` is when it changed last. Raises `Behind` if the story does not reach to that.
    """
    if story is None or story.standing is None or since_1970(story.standing.updated) < since_1970(updated):
        raise Behind
    then = standing_at(story, since_1970(time))
    return None if then is None else {name: value for name, value in changes(then).items() if name != "fold"}
