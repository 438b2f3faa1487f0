"""A subject's routes as a table in, a router out; each route answers in time, or says that a server is away."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive

from gateway.answers import answer, behind, unavailable, wrong
from gateway.bodies import TooLarge
from gateway.documents import BODY, NOT_JSON, WRONG, Answers
from gateway.query import Wrong, refuse_unknown
from projections.mongo.errors import Unavailable
from projections.past.reads import Behind
from streams.content_type import not_json
from streams.kafka.publisher import Late

PATIENCE = 1.8
"""Seconds a request may take; then the server that it waits for counts as away."""
LOOK = 0.1
"""Seconds until a read model that was behind is asked again."""
SENDING = {"POST", "PUT"}
"""Methods whose requests have bodies."""
MAX_BODY = 256 * 1024
"""Bytes; some subjects take less."""
BODY_TIMEOUT = 10.0
"""Seconds in which a client has to have sent its body."""


class Anything(PathConvertor):
    """The rest of a path, which is a name: `{name:anything}`.

    Trap: Starlette's own `path` ends at a line break, which may be in a name, and nothing is found then.
    """

    regex = r"[\s\S]*"


register_url_convertor("anything", Anything())


class Route(NamedTuple):
    """What is asked for, who answers, and what the OpenAPI pages say of it."""

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Response]]
    summary: str
    answers: Answers
    parameters: Sequence[dict[str, Any]] = ()
    body: dict[str, Any] | None = None
    status: int = 200
    kind: type[Response] = JSONResponse


class Answering(APIRoute):
    """A route whose function takes the request and gives the response itself: FastAPI only documents it.

    What it documents as parameters of the query is all that may be asked with.
    """

    patience = PATIENCE

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # noqa: D102
        endpoint: Callable[[Request], Awaitable[Response]] = self.endpoint
        known = [one["name"] for one in (self.openapi_extra or {}).get("parameters", ()) if one["in"] == "query"]

        async def handle(given: Request) -> Response:
            request = Request(given.scope, _bounded(given.receive))
            away: Callable[[], Response] = unavailable
            try:
                refuse_unknown(request.query_params, known)
                if request.method in SENDING and (refusal := await _refusal(request)):
                    return refusal
                async with asyncio.timeout(self.patience):
                    while True:
                        try:
                            return await endpoint(request)
                        except Behind:
                            away = behind
                            await asyncio.sleep(LOOK)
            except Wrong as error:
                return wrong(error)
            except TooLarge as error:
                return answer({"message": str(error)}, 413, {"Connection": "close"})
            except (KafkaError, Late):
                return unavailable("Kafka")
            except (Unavailable, TimeoutError):
                return away()
            except ClientDisconnect:
                return Response(status_code=400)  # to nobody

        return handle


async def _refusal(request: Request) -> Response | None:
    """Why not, by its body, which is read here: a client that is slow to send it is no server that is away.

    That it is JSON only a POST has to say: browsers ask before they send what has another method.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.body()
    except TimeoutError:
        return answer({"message": f"the body must be sent within {BODY_TIMEOUT:g} s"}, 408, {"Connection": "close"})
    if request.method == "POST" and body and (wrong := not_json(request.headers.get("content-type", ""))):
        return answer({"message": wrong}, 415)
    return None


def _bounded(receive: Receive) -> Receive:
    """What comes of a body, up to `MAX_BODY`; without an end, all that can be sent in time would be kept."""
    size = 0

    async def receive_so_much() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise TooLarge(MAX_BODY)
        return message

    return receive_so_much


class Patient(Answering):
    """One that may take its time: somebody waits for it who would rather wait than ask again."""

    patience = 30.0


def routed(
    prefix: str,
    tag: str,
    *table: Route,
    by: type[Answering] = Answering,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> APIRouter:
    """Its routes, in this order, under the prefix."""
    routes = APIRouter(prefix=prefix, tags=[tag], route_class=by, lifespan=lifespan)
    for route in table:
        asked = {"parameters": [*route.parameters], "requestBody": route.body}
        routes.add_api_route(
            route.path,
            route.handler,
            methods=[route.method],
            summary=route.summary,
            responses=WRONG
            | route.answers
            | (NOT_JSON if route.method == "POST" else {})
            | (BODY if route.method in SENDING else {}),
            openapi_extra={name: value for name, value in asked.items() if value},
            status_code=route.status,
            response_class=route.kind,
        )
    return routes
