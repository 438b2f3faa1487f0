"""Requests in, answers out: read models and pending records put together, so that who wrote can read at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.answers import answer, unknown
from gateway.pages import Cursor, Row, page, without
from gateway.pending import Pending
from gateway.query import Query, parse
from projections.reads import Reads
from projections.store import database
from streams.settings import Settings

PATIENCE = 1.5
"""Seconds until the database counts as away."""
FILTERED = 500
"""Pending records looked at together for those that match."""


class Desk:
    """Answers the gateway's requests while it is `open`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """Connections for as long as the app lives; servers may be away, now and later."""
        self._pending = Pending(self._settings)
        async with database(self._settings, patience=PATIENCE) as base:
            self._reads = Reads(base)
            yield
        await self._pending.close()

    async def job(self, request: Request) -> Response:
        """One notification.

        It leaves Redis only after it has come to the database: looked for in the order database, Redis, database, it
        can't be missed on its way.
        """
        notification = request.path_params["id"]
        document = await self._reads.job(notification)
        if document is None:
            if record := await self._pending.job(notification):
                return Response(record, media_type=wire.JSON)
            document = await self._reads.job(notification)
        return unknown() if document is None else answer(wire.job(document))

    async def jobs(self, request: Request) -> Response:
        """A page of notifications."""
        query = parse(request.query_params)
        rows, following = await newest(query, self._pending, self._reads)
        headers = {}
        if following is not None:
            parameters = {**request.query_params, "cursor": str(following)}
            headers["Link"] = f'<{request.url.path}?{urlencode(parameters)}>; rel="next"'
        return answer([row.job for row in rows], headers=headers)

    async def story(self, request: Request) -> Response:
        """What happened to a notification."""
        notification = request.path_params["id"]
        if entries := await self._reads.story(notification):
            return answer([wire.entry(entry) for entry in entries])
        known = await self._pending.job(notification) or await self._reads.job(notification)
        return answer([]) if known else unknown()


async def newest(query: Query, pending: Pending, reads: Reads) -> tuple[list[Row], Cursor | None]:
    """A page of notifications and the next page's cursor.

    The pending ones are read before the database, as they go the same way. Those that have come there in between count
    for none, and more are read in their place.
    """
    rows: list[Row] = []
    waiting: list[Row] = []
    if query.filters.get("status", "pending") == "pending":
        at_once = FILTERED if query.filters else query.limit + 1
        async for chunk in pending.newest(query.filters, query.cursor, at_once):
            known = await reads.stored([row.id for row in chunk])
            waiting += [row for row in chunk if row.id not in known]
            if len(waiting) > query.limit:
                rows = await _stored(query, reads)
                waiting = without(waiting, rows)
            if len(waiting) > query.limit:
                return page(rows, waiting, query.cursor, query.limit)
    rows = await _stored(query, reads)
    return page(rows, without(waiting, rows), query.cursor, query.limit)


async def _stored(query: Query, reads: Reads) -> list[Row]:
    wanted = query.limit + 1 + len(query.cursor.shown)
    documents = await reads.newest(query.filters, query.cursor.before, wanted)
    return [Row(document["seq"], document["_id"], wire.job(document)) for document in documents]
