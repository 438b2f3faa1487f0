"""Dead letters put back or given up over HTTP: ids, who and why in; what was done and what was refused out."""

import asyncio
from dataclasses import asdict, dataclass, field
from typing import Annotated

from fastapi import APIRouter
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer
from gateway.bodies import decoded
from gateway.clients import Clients
from gateway.dead_letters import documents
from gateway.query import Wrong
from gateway.routes import MAX_BODY, Patient, Route, routed
from projections.letters.obstacles import to_dropping, to_redriving
from projections.letters.reads import LetterReads
from projections.position import Document
from streams.counted import counted
from streams.letters.redriving import AWAY, Desk, Order, Verb, Words, doubts
from streams.settings import Settings

MOST = 100
"""Letters a request may name: what is put back is read and written one by one."""
LONGEST = 15.0
"""Seconds for all of them. To let go of servers that don't answer takes up to 3 more; the dashboard waits for 20."""

Said = Annotated[str, Meta(min_length=1, max_length=500)]


class Asked(Struct, forbid_unknown_fields=True):
    """What a POST says. `again`: although some were put back before."""

    ids: Annotated[list[Said], Meta(min_length=1, max_length=MOST)]
    by: Said
    why: Said
    again: bool = False


@dataclass(slots=True)
class Handled:
    """What became of the letters so far, and what is not known of one that was being handled."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)


def router(clients: Clients) -> APIRouter:
    """What can be done about them: it waits for Kafka and RabbitMQ, letter by letter."""
    work = LetterWork(clients.settings, LetterReads(clients.base))
    told = documents.HANDLED, (), documents.HANDLE
    return routed(
        "/api/dead-letters",
        "dead letters",
        Route("POST", "/redrive", work.redrive, "Put originals back where they came from", *told),
        Route("POST", "/drop", work.drop, "Give dead letters up for good", *told),
        by=Patient,
    )


class LetterWork:
    """Has it done; connections to Kafka and RabbitMQ are made when they are needed."""

    def __init__(self, settings: Settings, reads: LetterReads) -> None:
        self._settings, self._reads = settings, reads

    async def redrive(self, request: Request) -> Response:
        """Put originals back where they came from."""
        return await self._handled("redrive", await _asked(request))

    async def drop(self, request: Request) -> Response:
        """Give letters up for good."""
        return await self._handled("drop", await _asked(request))

    async def _handled(self, verb: Verb, asked: Asked) -> Response:
        so_far = Handled()
        try:
            async with asyncio.timeout(LONGEST):
                await self._handle(verb, asked, so_far)
        except AWAY as error:
            return answer({"message": _stopped(so_far, error), **asdict(so_far)}, 503, {"Retry-After": "5"})
        return answer({"done": so_far.done, "refused": so_far.refused})

    async def _handle(self, verb: Verb, asked: Asked, so_far: Handled) -> None:
        found = {name: await self._reads.letter(name) for name in dict.fromkeys(asked.ids)}
        refused = {name: why for name, one in found.items() if (why := _obstacle(verb, one, again=asked.again))}
        so_far.refused |= refused
        orders = [Order(name, one["record"]["offset"]) for name, one in found.items() if one and name not in refused]
        if not orders:
            return
        async with Desk.open(self._settings, Words(asked.by, asked.why, "gateway")) as desk:
            so_far.unsure = desk.unsure
            for order in sorted(orders, key=lambda order: order.offset):
                if fault := await desk.handle(verb, order):
                    so_far.refused[order.letter] = fault
                else:
                    so_far.done.append(order.letter)


def _obstacle(verb: Verb, document: Document | None, *, again: bool) -> str | None:
    if document is None:
        return "there is no such dead letter"
    return to_dropping(document) if verb == "drop" else to_redriving(document, again=again)


def _stopped(so_far: Handled, error: BaseException) -> str:
    why = str(error) or f"{LONGEST:g} s were over"
    return (
        f"stopped after {counted(len(so_far.done), 'letter')}, since {why}.{doubts(so_far.unsure)} "
        "Ask again for those that are not in `done`: what is put back twice is dropped by who reads it"
    )


async def _asked(request: Request) -> Asked:
    try:
        return decoded(await request.body(), Asked, MAX_BODY)
    except Wrong as wrong:
        raise Wrong({_field(fault): fault for fault in wrong.faults.values()}) from wrong


def _field(error: str) -> str:
    """The one that msgspec names, e.g. in "... - at `$.why`"."""
    return next(
        (name for name in ("ids", "by", "why", "again") if f"$.{name}" in error or f"`{name}`" in error), "body"
    )
