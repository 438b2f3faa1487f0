"""Requests about dead letters in, answers out: what could not be handled, why, and what was done about it."""

import re
from collections.abc import Mapping
from typing import NamedTuple, get_args

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.answers import answer, next_page, unknown
from gateway.clients import Clients
from gateway.dead_letters import documents
from gateway.query import PAGING, cursor_parameter, parameter, parse_list
from gateway.routes import Route, routed
from projections.letters.letters import FILTERS, STATES, counters
from projections.letters.reads import LetterReads
from projections.mongo.windows import END
from streams.letters.dead_letters import Reason

REASONS: tuple[Reason, ...] = get_args(Reason)
CURSOR = re.compile(r"[0-9a-f]{25}")
KNOWN: dict[str, tuple[str, ...]] = {"reason": REASONS, "state": STATES}


class Query(NamedTuple):
    """`filters` by name with the value wanted; the rows with a sequence below `before` are to come."""

    filters: dict[str, str]
    limit: int
    before: str


def router(clients: Clients) -> APIRouter:
    """What is asked about them."""
    desk = LettersDesk(LetterReads(clients.base))
    return routed(
        "/api/dead-letters",
        "dead letters",
        Route("GET", "", desk.letters, "The newest dead letters", documents.LIST, PARAMETERS),
        Route("GET", "/counts", desk.counts, "How many there are", documents.COUNTS),
        Route("GET", "/{id}", desk.letter, "One dead letter", documents.LETTER, [documents.ID]),
    )


class LettersDesk:
    """Reads them."""

    def __init__(self, reads: LetterReads) -> None:
        self._reads = reads

    async def letters(self, request: Request) -> Response:
        """A page of dead letters."""
        query = parse(request.query_params)
        found = await self._reads.newest(query.filters, query.before, query.limit + 1)
        rows = found[: query.limit]
        following = rows[-1]["seq"] if len(found) > query.limit else None
        return answer([wire.letter(document) for document in rows], headers=next_page(request, following))

    async def letter(self, request: Request) -> Response:
        """One dead letter."""
        document = await self._reads.letter(request.path_params["id"])
        return unknown("Dead letter") if document is None else answer(wire.letter(document))

    async def counts(self, _: Request) -> Response:
        """How many there are."""
        return answer(counters(await self._reads.counts()))


def parse(parameters: Mapping[str, str]) -> Query:
    """Raises `Wrong`."""
    return Query(*parse_list(parameters, FILTERS, KNOWN, _before))


def _before(cursor: str | None) -> str:
    if cursor is None or cursor == END:
        return END
    if not CURSOR.fullmatch(cursor):
        raise ValueError(cursor)
    return cursor


PARAMETERS = [
    parameter("reason", "Only these.", {"type": "string", "enum": list(REASONS)}),
    parameter("stage", "Only what this stage gave up.", {"type": "string"}),
    parameter("source", "Only what lay on this topic or queue.", {"type": "string"}),
    parameter("state", "Only these.", {"type": "string", "enum": list(STATES)}),
    *PAGING,
    cursor_parameter(f"^{CURSOR.pattern}$"),
]
"""For the OpenAPI pages."""
