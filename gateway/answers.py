"""How the gateway answers: its JSON, and the answers to requests that can't be met."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.query import Wrong
from projections.past.reads import Behind
from projections.store import Unavailable

PATIENCE = 1.8
"""Seconds a request may take; then the database counts as away."""
LOOK = 0.1
"""Seconds until a read model that was behind is asked again."""
RETRY_SOON = {"Retry-After": "1"}
"""Seconds."""


class Answering(APIRoute):
    """A route whose function takes the request and gives the response itself: FastAPI only documents it."""

    patience = PATIENCE

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # noqa: D102
        endpoint: Callable[[Request], Awaitable[Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            away = unavailable
            try:
                async with asyncio.timeout(self.patience):
                    while True:
                        try:
                            return await endpoint(request)
                        except Behind:
                            away = behind
                            await asyncio.sleep(LOOK)
            except Wrong as error:
                return wrong(error)
            except (Unavailable, TimeoutError):
                return away()

        return handle


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as JSON."""
    return Response(wire.encode(value), status, headers, wire.JSON)


def unknown() -> Response:
    """404, in the reference's words."""
    return answer({"message": "Job not found"}, 404)


def wrong(error: Wrong) -> Response:
    """400: what is wrong with each parameter."""
    details = [{"field": name, "message": fault} for name, fault in error.faults.items()]
    return answer({"message": str(error), "details": details}, 400)


def unavailable() -> Response:
    """503."""
    return answer({"message": "the database does not answer, try again"}, 503, RETRY_SOON)


def behind() -> Response:
    """503, for what a read model will soon know."""
    return answer({"message": "the past is not folded as far as the present yet, try again"}, 503, RETRY_SOON)
