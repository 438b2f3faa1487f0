"""How the gateway answers: its JSON, and the answers to requests that can't be met."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.query import Wrong
from streams.content_type import JSON

RETRY_SOON = {"Retry-After": "1"}
"""Seconds."""
OF_NOW = {"Cache-Control": "no-store"}


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as JSON."""
    return Response(wire.encode(value), status, headers, JSON)


def next_page(request: Request, cursor: object | None) -> dict[str, str]:
    """The header that names a list's next page, if there is one."""
    if cursor is None:
        return {}
    parameters = urlencode({**request.query_params, "cursor": str(cursor)})
    return {"Link": f'<{request.url.path}?{parameters}>; rel="next"'}


def unknown(what: str = "Job") -> Response:
    """404, in the reference's words."""
    return answer({"message": f"{what} not found"}, 404)


def wrong(error: Wrong) -> Response:
    """400: what is wrong with each parameter."""
    details = [{"field": name, "message": fault} for name, fault in error.faults.items()]
    return answer({"message": str(error), "details": details}, 400)


def unavailable(server: str = "the database") -> Response:
    """503."""
    return answer({"message": f"{server} does not answer, try again"}, 503, RETRY_SOON)


def behind() -> Response:
    """503, for what a read model will soon know."""
    return answer({"message": "the past is not folded as far as the present yet, try again"}, 503, RETRY_SOON)
