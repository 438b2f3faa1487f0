"""Requests about dead letters in, answers out: what could not be handled, why, and what was done about it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple, get_args
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.answers import answer
from gateway.desk import PATIENCE
from gateway.query import PAGING, cursor_parameter, parameter, parse_list
from projections.letter_store import LetterReads
from projections.letters import FILTERS, STATES, counters
from projections.store import database
from projections.windows import END
from streams.letters.dead_letters import Reason
from streams.settings import Settings

REASONS: tuple[Reason, ...] = get_args(Reason)
CURSOR = re.compile(r"[0-9a-f]{25}")
KNOWN: dict[str, tuple[str, ...]] = {"reason": REASONS, "state": STATES}


class Query(NamedTuple):
    """`filters` by name with the value wanted; the rows with a sequence below `before` are to come."""

    filters: dict[str, str]
    limit: int
    before: str


class LettersDesk:
    """Answers while it is `open`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """A connection for as long as the app lives; the database may be away, now and later."""
        async with database(self._settings, patience=PATIENCE) as base:
            self._reads = LetterReads(base)
            yield

    async def letters(self, request: Request) -> Response:
        """A page of dead letters."""
        query = parse(request.query_params)
        found = await self._reads.newest(query.filters, query.before, query.limit + 1)
        rows, headers = found[: query.limit], {}
        if len(found) > query.limit:
            following = {**request.query_params, "cursor": rows[-1]["seq"]}
            headers["Link"] = f'<{request.url.path}?{urlencode(following)}>; rel="next"'
        return answer([wire.letter(document) for document in rows], headers=headers)

    async def letter(self, request: Request) -> Response:
        """One dead letter."""
        document = await self._reads.letter(request.path_params["id"])
        return answer({"message": "Dead letter not found"}, 404) if document is None else answer(wire.letter(document))

    async def counts(self, _: Request) -> Response:
        """How many there are."""
        return answer(counters(await self._reads.counts()))


def parse(parameters: Mapping[str, str]) -> Query:
    """Raises `Wrong`. Parameters that nobody knows are left alone."""
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
