"""Redeliveries over HTTP: one is asked for before the answer; a bulk goes on after it, as long as the gateway runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import RETRY_SOON, answer, unknown
from gateway.clients import Clients
from gateway.notifications.documents import ID
from gateway.query import Wrong
from gateway.redelivery import bodies, documents
from gateway.redelivery.asking import Asked, Asking, Unavailable
from gateway.redelivery.bodies import Many, One
from gateway.redelivery.bulk import SHOWN, Order, carry_out, find
from gateway.redelivery.wishes import SOURCE, UNKNOWN, Refusal, Wish, Words, name
from gateway.routes import Patient, Route, routed
from projections.present.reads import Reads
from streams import clock, operations
from streams.operations import RedeliveryBegun

KEY_HEADER = "Idempotency-Key"
MOST_KEY = 255
REPLAYED = {"Idempotency-Replayed": "true"}
PENDING = Refusal("under-way", "it is still under way: pending")
ACCEPTED, CONFLICT, OTHER_WORDS, AWAY = 202, 409, 422, 503

log = logging.getLogger(__name__)


def router(clients: Clients) -> APIRouter:
    """What is asked of it."""
    desk, many = RedeliveryDesk(clients), "Deliver once more all that the filters leave"
    one, of_one = "Deliver a notification once more", [ID, documents.KEY]
    return routed(
        "/api/notifications",
        "notifications",
        Route("POST", "/redeliver", desk.many, many, documents.BULK, [documents.KEY], documents.MANY, ACCEPTED),
        Route("POST", "/{id}/redeliver", desk.one, one, documents.REDELIVERY, of_one, documents.ONE, ACCEPTED),
        by=Patient,
        lifespan=desk.open,
    )


class RedeliveryDesk:
    """Answers while it is `open`."""

    def __init__(self, clients: Clients) -> None:
        self._pending, self._reads = clients.pending, Reads(clients.base)
        self._asking = Asking(clients.settings, self._reads, clients.publisher)
        self._bulks: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """A bulk under way stops with the app, on record."""
        try:
            yield
        finally:
            for task in self._bulks.values():
                task.cancel()
            await asyncio.gather(*self._bulks.values(), return_exceptions=True)

    async def one(self, request: Request) -> Response:
        """Ask for one notification's redelivery."""
        words = bodies.words(bodies.read(await request.body(), One))
        wish = Wish(request.path_params["id"], name(_key(request), request.path_params["id"]))
        try:
            asked = await self._asking.ask([wish], words)
            if asked.written:
                done = RedeliveryBegun(wish.redelivery, 1, 1.0, f"notification {wish.notification}")
                event = operations.Event(done, clock.now(), SOURCE, *words)
                await self._asking.write([operations.to_record(event)])
        except Unavailable as error:
            return _away(error)
        if asked.refused.get(wish.notification) == UNKNOWN and await self._pending.job(wish.notification):
            asked.refused[wish.notification] = PENDING
        return _answer(wish, asked)

    async def many(self, request: Request) -> Response:
        """Ask for all that the filters leave, at a pace; or only tell which these are."""
        body = bodies.read(await request.body(), Many)
        key, words = name(_key(request), ""), Words("", "") if body.preview else bodies.words(body)
        found = await find(self._reads, body.selection)
        told = {"count": len(found.names), "types": found.types, "first": found.names[:SHOWN]}
        if body.preview:
            return answer({"preview": True, **told})
        replayed = {} if self._begin(Order(key, found.names, str(body.selection), body.rate, words)) else REPLAYED
        return answer({"bulk": key, **told, "rate": body.rate}, ACCEPTED, replayed)

    def _begin(self, order: Order) -> bool:
        """False if it is under way."""
        if order.key in self._bulks:
            return False
        task = self._bulks[order.key] = asyncio.create_task(self._carry_out(order))
        task.add_done_callback(lambda _: self._bulks.pop(order.key))
        return True

    async def _carry_out(self, order: Order) -> None:
        try:
            total = await carry_out(self._asking, order, lambda _: None)
        except Unavailable as error:
            log.error("redelivery %s was cut short, ask for it again with the same key: %s", order.key, error)  # noqa: TRY400
        else:
            log.info("redelivery %s: asked for %d of %d", order.key, len(total.written), len(order.names))


def _key(request: Request) -> str:
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return uuid4().hex
    if not key or len(key) > MOST_KEY:
        raise Wrong({KEY_HEADER: f"must have 1 to {MOST_KEY} characters"})
    return key


def _answer(wish: Wish, asked: Asked) -> Response:
    if (refusal := asked.refused.get(wish.notification)) is not None:
        return _refused(refusal)
    location = {"Location": f"/api/notifications/{wish.notification}/log"}
    told = {"id": wish.notification, "redelivery": wish.redelivery}
    return answer(told, ACCEPTED, location | (REPLAYED if asked.again else {}))


def _refused(refusal: Refusal) -> Response:
    match refusal.obstacle:
        case "unknown":
            return unknown()
        case "other-words":
            return answer({"message": refusal.text}, OTHER_WORDS)
        case obstacle:
            return answer({"message": f"not redelivered: {refusal.text}", "obstacle": obstacle}, CONFLICT)


def _away(error: Unavailable) -> Response:
    message = f"{error}: try again; with an {KEY_HEADER} that is safe"
    return answer({"message": message}, AWAY, RETRY_SOON)
