"""Notifications as they are in, as they were at a time out.

Whatever has not changed since then was as it is; of the rest its story tells. So a list of the past is made of the
present rows that were created by then, in the same order and with the same cursors.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from gateway import wire
from gateway.notifications.pages import Cursor, Row, page
from gateway.notifications.query import Query
from projections.mongo.windows import since
from projections.past.reads import Past, moving_at
from streams.clock import iso, milliseconds

LOOKED_AT = 2000
"""Notifications that a page of one status looks through; what lies behind them comes with the next page."""
AT_ONCE = 500
NOT_ALWAYS = ("acknowledgedAt", "mailbox")
"""Fields that a notification may not have had yet."""

Newest = Callable[[Query], Awaitable[tuple[list[Row], Cursor | None]]]
"""A page of the present."""


async def then(rows: Sequence[Row], time: datetime, past: Past) -> list[Row]:
    """Those of them that were there, as they were. Raises `Behind`, and as `Past` does."""
    at = iso(time)
    born = [row for row in rows if row.job["createdAt"] <= at]
    moved = {row.id for row in born if row.job["updatedAt"] > at}
    stories = await past.histories(moved) if moved else {}
    found = []
    for row in born:
        if row.id not in moved:
            found.append(row)
        elif fields := moving_at(stories.get(row.id), datetime.fromisoformat(row.job["updatedAt"]), time):
            found.append(row._replace(job=_as_it_was(row.job, fields)))
    return found


async def newest_then(query: Query, time: datetime, newest: Newest, past: Past) -> tuple[list[Row], Cursor | None]:
    """A page of notifications as they were, and the next page's cursor.

    Whether one was in a status then can only be told by looking at it. A page of one status therefore looks through so
    many at most, and may be short, or empty, and yet have a next one.
    """
    status = query.filters.get("status")
    filters = {name: value for name, value in query.filters.items() if name != "status"}
    cursor = query.cursor if query.cursor != Cursor() else Cursor(since(milliseconds(time) + 1))
    if status is None:
        rows, following = await newest(Query(filters, query.limit, cursor))
        return await then(rows, time, past), following
    found: list[Row] = []
    for _ in range(LOOKED_AT // AT_ONCE):
        rows, following = await newest(Query(filters, AT_ONCE, cursor))
        right = [row for row in await then(rows, time, past) if row.job["status"] == status]
        wanted = right[: query.limit - len(found)]
        found += wanted
        if len(found) == query.limit:
            return found, _after(wanted[-1], rows, cursor, following)
        if following is None:
            return found, None
        cursor = following
    return found, cursor


def _after(row: Row, rows: Sequence[Row], cursor: Cursor, following: Cursor | None) -> Cursor | None:
    """Where a list goes on after this one of its rows."""
    count = [each.id for each in rows].index(row.id) + 1
    return following if count == len(rows) else page(rows, [], cursor, count)[1]


def _as_it_was(job: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in job.items() if name not in NOT_ALWAYS}
    return kept | wire.shown(fields)
