"""The web process: `api` and `gateway` as one program on one port, beside them `/ready`, `/metrics` and `/healthz`."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import api.app
import gateway.app
from deploy.address import require_safe
from deploy.probes import probes
from deploy.web.asyncapi import document
from deploy.web.authentication import Authenticated
from deploy.web.health import routes
from deploy.web.open_files import raise_limit
from deploy.web.serving import serve
from gateway.socket.app import Live
from streams.health.vitals import Vitals
from streams.settings import Settings
from streams.tokens import Tokens

BACKLOG = 16_384
"""Connections that may wait to be accepted, as when all sockets come back at once; the kernel's `somaxconn` caps it."""
GRACE_SECONDS = 10
"""How long requests under way may take once the process is told to stop."""
ABOUT = """Takes notifications, delivers them with retries, and keeps the story of each.

What is sent is JSON and says so, by `Content-Type: application/json`. Errors are JSON with a `message`, and with
`details` for each faulty field. What goes over queues, topics and the WebSocket is in the AsyncAPI document,
`/asyncapi.json`.
"""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def application(settings: Settings, live: Live) -> FastAPI:
    """Everything that is served; the routers bring their own lifespans."""
    app = FastAPI(
        title="Tidings",
        version="0.1.0",
        description=ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # the dashboard shows them, from files of its own
        redoc_url=None,
    )
    app.add_exception_handler(HTTPException, refused)
    app.add_api_route("/asyncapi.json", asyncapi, include_in_schema=False)
    app.include_router(readiness(settings))
    app.include_router(api.app.router(settings))
    app.include_router(live.router)  # before the gateway's, since it opens the clients of both
    app.include_router(gateway.app.router(settings, live.clients))
    return app


async def refused(request: Request, error: Exception) -> Response:
    """What no route takes, as all our errors: JSON with a `message`.

    Trap: a path's methods may be routes apart, of which Starlette names the first's alone in `Allow`.
    """
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return JSONResponse({"message": error.detail}, error.status_code, headers)


def _methods(request: Request) -> set[str]:
    def taken(method: str) -> bool:
        asked = {**request.scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)

    return set(filter(taken, METHODS))


async def asyncapi() -> Response:
    """Topics, queues and frames as a document."""
    return JSONResponse(document())


def readiness(settings: Settings) -> APIRouter:
    """`GET /ready`: 200 if every server answers, else 503; either way it tells about each."""

    @asynccontextmanager
    async def asking(app: FastAPI) -> AsyncIterator[None]:
        async with probes(settings) as app.state.probes:
            yield

    router = APIRouter(lifespan=asking)

    @router.get("/ready", summary="Does every server answer?", responses=READY, tags=["health"])
    async def ready(request: Request) -> JSONResponse:
        answers = await request.app.state.probes.ask_all()
        servers = {
            name: {"state": "ok"} if error is None else {"state": "failed", "error": error}
            for name, error in answers.items()
        }
        well = not any(answers.values())
        return JSONResponse({"status": "ok" if well else "unready", "servers": servers}, 200 if well else 503)

    return router


class ServerState(BaseModel):
    """Of one server."""

    state: Literal["ok", "failed"]
    error: str | None = None


class Readiness(BaseModel):
    """Of all servers, by name."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"status": "unready", "servers": {"redis": {"state": "failed", "error": "away"}}}}
    )

    status: Literal["ok", "unready"]
    servers: dict[str, ServerState]


READY: dict[int | str, dict[str, Any]] = {
    200: {"model": Readiness, "description": "Every server answers."},
    503: {"model": Readiness, "description": "Some don't: `servers` tells which."},
}


class Timed:
    """Counts every request and times it up to its answer, by method and status.

    It is ASGI, since a middleware of Starlette costs 40 us each.
    """

    def __init__(self, application: ASGIApp, vitals: Vitals) -> None:
        self._application = application
        self._seconds = vitals.times("tidings_http_request_seconds")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        began, method = time.perf_counter(), _method(scope["method"])

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._seconds.labels(method, str(message["status"])).observe(time.perf_counter() - began)
            await send(message)

        await self._application(scope, receive, answer)


def _method(method: str) -> str:
    """Trap: clients may make methods up, and each would stay as a series for ever."""
    return method if method in METHODS else "other"


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Serves until told to stop, then finishes what is under way."""
    require_safe(settings)
    tokens = Tokens(settings)
    raise_limit()
    live = Live(settings, stopping, vitals)
    app = application(settings, live)
    app.router.routes.extend(routes(vitals, settings.worker))
    await serve(
        Timed(Authenticated(app, tokens) if tokens.required else app, vitals),
        stopping,
        grace=GRACE_SECONDS,
        upgrade=live.upgrade,
        backlog=BACKLOG,
        host=settings.host,
        port=settings.port,
    )
