"""The API as a router: requests come in over HTTP, accepted ones are on RabbitMQ before they are answered."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute

from api import documents
from api.backlog import Backlog
from api.create import Creation
from api.outbox import Outbox
from api.redis_pipe import Pipe
from api.ways import DELIVERY, EVENT, LIKE
from streams.background import running
from streams.settings import Settings


class Unwrapped(APIRoute):
    """A route whose function takes the request and gives the response itself: FastAPI only documents it.

    Its own handling of bodies and responses would cost 40 us of CPU more, and buffer a body before we can refuse it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # noqa: D102
        return self.endpoint


def router(settings: Settings) -> APIRouter:
    """What is posted, and `GET /health`, with the connections they need for as long as the app lives."""
    outbox = Outbox(settings.rabbitmq_url, settings.publish_timeout)
    pipe = Pipe(settings.redis_url)
    backlog = Backlog(settings, outbox, pipe)
    creation = Creation(settings, outbox, pipe, backlog)

    @asynccontextmanager
    async def connected(_: FastAPI) -> AsyncIterator[None]:
        async with running(outbox.run(), pipe.run(), backlog.run()):
            yield

    routes = APIRouter(lifespan=connected, route_class=Unwrapped)
    routes.add_api_route(
        "/api/notifications",
        creation.by(DELIVERY),
        methods=["POST"],
        status_code=201,
        summary="Send a notification",
        responses=documents.CREATE_ANSWERS,
        openapi_extra=documents.CREATE_REQUEST,
        tags=["notifications"],
    )
    routes.add_api_route(
        "/events",
        creation.by(EVENT),
        methods=["POST"],
        status_code=202,
        summary="Tell somebody what somebody did",
        responses=documents.EVENT_ANSWERS,
        openapi_extra=documents.EVENT_REQUEST,
        tags=["social"],
    )
    routes.add_api_route(
        "/like",
        creation.by(LIKE),
        methods=["POST"],
        summary="Tell somebody who likes a post",
        responses=documents.LIKE_ANSWERS,
        openapi_extra=documents.LIKE_REQUEST,
        tags=["social"],
    )
    routes.add_api_route(
        "/health", health, response_model=documents.Health, summary="Is the process alive?", tags=["health"]
    )
    return routes


async def health(_: Request) -> Response:
    """Says that the process is alive, and nothing about the servers behind it: that is `/ready`."""
    return Response(b'{"status":"ok"}', media_type="application/json")
