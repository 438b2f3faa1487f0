"""Requests in, answers out: read models and pending records put together, so that who wrote can read at once."""

from datetime import datetime
from typing import Any

import msgspec
import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.answers import answer, next_page, unknown
from gateway.clients import Clients
from gateway.notifications import documents
from gateway.notifications.documents import ID
from gateway.notifications.moment import AT, moment
from gateway.notifications.pages import Cursor, Row, page, without
from gateway.notifications.past import newest_then, then
from gateway.notifications.pending import Pending
from gateway.notifications.query import PARAMETERS, STATUSES, Query, parse
from gateway.routes import Route, routed
from projections.past.reads import Behind, Past, causes
from projections.present.reads import Reads
from streams import clock
from streams.clock import iso
from streams.content_type import JSON

FILTERED = 500
"""Pending records looked at together for those that match."""


def router(clients: Clients) -> APIRouter:
    """What is asked about them."""
    desk = Desk(Reads(clients.base), Past(clients.base), clients.pending)
    counted = "How many notifications are in each status"
    return routed(
        "/api/notifications",
        "notifications",
        Route("GET", "", desk.jobs, "The newest notifications", documents.LIST, [*PARAMETERS, AT]),
        Route("GET", "/counts", desk.counts, counted, documents.COUNTS, [AT]),
        Route("GET", "/{id}", desk.job, "One notification", documents.JOB, [ID, AT]),
        Route("GET", "/{id}/why", desk.why, "What led to where a notification stands", documents.WHY, [ID]),
        Route("GET", "/{id}/log", desk.story, "What happened to a notification", documents.STORY, [ID]),
    )


class Desk:
    """Reads what is stored, what was, and what is pending."""

    def __init__(self, reads: Reads, past: Past, pending: Pending) -> None:
        self._reads, self._past, self._pending = reads, past, pending

    async def job(self, request: Request) -> Response:
        """One notification, as it is or as it was.

        It leaves Redis only after it has come to the database: looked for in the order database, Redis, database, it
        can't be missed on its way.
        """
        time = moment(request.query_params, clock.now())
        found = await self._found(request.path_params["id"])
        if found is None:
            return unknown()
        if time is not None:
            return await self._then(found, time)
        return Response(found, media_type=JSON) if isinstance(found, bytes) else answer(found)

    async def jobs(self, request: Request) -> Response:
        """A page of notifications, as they are or as they were."""
        query, time = parse(request.query_params), moment(request.query_params, clock.now())
        if time is None:
            rows, following = await self._newest(query)
        else:
            rows, following = await newest_then(query, time, self._newest, self._past)
            if not rows and (early := await self._before_all(time)):
                return early
        return answer([row.job for row in rows], headers=next_page(request, following))

    async def story(self, request: Request) -> Response:
        """What happened to a notification."""
        notification = request.path_params["id"]
        if entries := await self._reads.story(notification):
            return answer([wire.entry(entry) for entry in entries])
        return answer([]) if await self._found(notification) else unknown()

    async def why(self, request: Request) -> Response:
        """The causes and effects that are its story."""
        notification = request.path_params["id"]
        told = await causes(notification, self._past)
        if told is not None:
            return answer(msgspec.to_builtins(told))
        if await self._found(notification):
            raise Behind
        return unknown()

    async def counts(self, request: Request) -> Response:
        """How many notifications are, or were, in each status."""
        time = moment(request.query_params, clock.now())
        found = await (self._reads.counts() if time is None else self._past.counts(time))
        if time is not None and not found and (early := await self._before_all(time)):
            return early
        return answer({status: found.get(status, 0) for status in STATUSES})

    async def _found(self, notification: str) -> Any:  # noqa: ANN401 - a job's JSON
        """A job's JSON, as an object or as text; None if there is none."""
        document = await self._reads.job(notification)
        if document is None:
            if record := await self._pending.job(notification):
                return record
            document = await self._reads.job(notification)
        return None if document is None else wire.job(document)

    async def _newest(self, query: Query) -> tuple[list[Row], Cursor | None]:
        return await newest(query, self._pending, self._reads)

    async def _then(self, found: Any, time: datetime) -> Response:  # noqa: ANN401 - see `_found`
        job = orjson.loads(found) if isinstance(found, bytes) else found
        rows = await then([Row("", job["id"], job)], time, self._past)
        if rows:
            return answer(rows[0].job)
        return answer({"message": f"Job not known at {iso(time)}: it was created at {job['createdAt']}"}, 404)

    async def _before_all(self, time: datetime) -> Response | None:
        """What is said of a time of which nothing is known; None if something is."""
        began = await self._past.began()
        if began is not None and time >= began:
            return None
        first = "has no notification yet" if began is None else f"begins at {iso(began)}"
        return answer({"message": f"nothing is known of {iso(time)}: the log {first}"}, 404)


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
    found = await reads.newest(query.filters, query.cursor.before, wanted)
    return [Row(document["seq"], document["_id"], wire.job(document)) for document in found]
