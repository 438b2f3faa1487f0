"""The web process: `api` and `gateway` as one program on one port, with `/ready` beside them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

import api.app
import gateway.app
from deploy.address import require_loopback
from deploy.probes import probes
from gateway.socket.app import Live
from streams.settings import Settings

GRACE_SECONDS = 10
"""How long requests under way may take once the process is told to stop."""


def application(settings: Settings, live: Live) -> FastAPI:
    """Everything that is served; the routers bring their own lifespans."""
    app = FastAPI(title="Tidings")
    app.include_router(readiness(settings))
    app.include_router(api.app.router(settings))
    app.include_router(live.router)
    app.include_router(gateway.app.router(settings))
    return app


def readiness(settings: Settings) -> APIRouter:
    """`GET /ready`: 200 if every server answers, else 503; either way it tells about each."""

    @asynccontextmanager
    async def asking(app: FastAPI) -> AsyncIterator[None]:
        async with probes(settings) as app.state.probes:
            yield

    router = APIRouter(lifespan=asking)

    @router.get("/ready")
    async def ready(request: Request) -> JSONResponse:
        answers = await request.app.state.probes.ask_all()
        servers = {
            name: {"state": "ok"} if error is None else {"state": "failed", "error": error}
            for name, error in answers.items()
        }
        well = not any(answers.values())
        return JSONResponse({"status": "ok" if well else "unready", "servers": servers}, 200 if well else 503)

    return router


class Server(uvicorn.Server):
    """Uvicorn, told to stop by the composition root instead of by signals of its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signal handlers alone."""
        yield


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Serves until told to stop, then finishes what is under way."""
    require_loopback(settings.host)
    live = Live(settings)
    config = uvicorn.Config(
        application(settings, live),
        ws=live.upgrade,  # type: ignore[arg-type]  # a factory does as well as a class
        host=settings.host,
        port=settings.port,
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config)

    async def stop() -> None:
        await stopping.wait()
        server.should_exit = True

    stopper = asyncio.create_task(stop())
    try:
        await server.serve()
    finally:
        stopper.cancel()
