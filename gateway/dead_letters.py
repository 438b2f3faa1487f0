"""Requests about dead letters in, answers out: what could not be handled, why, and what was done about it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, get_args
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.answers import answer
from gateway.desk import PATIENCE
from gateway.query import LIMIT, MAX_LIMIT, Wrong
from projections.letter_store import LetterReads
from projections.letters import FILTERS, STATES, counters
from projections.store import database
from projections.windows import END
from streams.dead_letters import Reason
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
    faults: dict[str, str] = {}
    filters = {name: parameters[name] for name in FILTERS if name in parameters}
    for name, known in KNOWN.items():
        if name in filters and filters[name] not in known:
            faults[name] = f"must be one of {', '.join(known)}"
    limit, before = parameters.get("limit", str(LIMIT)), parameters.get("cursor", END)
    if not (re.fullmatch(r"[0-9]{1,3}", limit) and 1 <= int(limit) <= MAX_LIMIT):
        faults["limit"] = f"must be a whole number from 1 to {MAX_LIMIT}"
    if before != END and not CURSOR.fullmatch(before):
        faults["cursor"] = "must be the one from a Link header of this list"
    if faults:
        raise Wrong(faults)
    return Query(filters, int(limit), before)


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


PARAMETERS = [
    _parameter("reason", "Only these.", {"type": "string", "enum": list(REASONS)}),
    _parameter("stage", "Only what this stage gave up.", {"type": "string"}),
    _parameter("source", "Only what lay on this topic or queue.", {"type": "string"}),
    _parameter("state", "Only these.", {"type": "string", "enum": list(STATES)}),
    _parameter("limit", "Rows.", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT}),
    _parameter("cursor", "From the Link header of the page before.", {"type": "string"}),
]
"""For the OpenAPI pages."""
