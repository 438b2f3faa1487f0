"""`/metrics` and `/healthz` of one process: what it counts, and whether its work moves."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.web.serving import serve
from streams.health.vitals import Vitals

LOOPBACK = "127.0.0.1"
"""Nobody else is to see it as long as nobody is asked who they are."""
GRACE_SECONDS = 1

log = logging.getLogger(__name__)


def routes(vitals: Vitals, worker: str) -> list[Route]:
    """Both endpoints."""

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(vitals.registry), headers={"content-type": content_type})

    async def healthz(_: Request) -> JSONResponse:
        """200 unless some work is stalled, then 503; either way it tells about each."""
        stalled = vitals.stalled()
        checks = {
            name: {"state": "stalled" if name in stalled else "ok", "told": str(progress)}
            for name, progress in vitals.progress.items()
        }
        body = {"status": "stalled" if stalled else "ok", "worker": worker, "checks": checks}
        return JSONResponse(body, 503 if stalled else 200)

    return [Route("/metrics", metrics), Route("/healthz", healthz)]


@asynccontextmanager
async def served(vitals: Vitals, worker: str, port: int | None) -> AsyncIterator[None]:
    """Both on a port of their own while the body runs; not at all if there is none, or somebody else has it."""
    listener = None if port is None else _listening(port)
    if listener is None:
        yield
        return
    stopping = asyncio.Event()
    application = Starlette(routes=routes(vitals, worker))
    serving = asyncio.create_task(serve(application, stopping, grace=GRACE_SECONDS, sockets=[listener], lifespan="off"))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait([serving])


def _listening(port: int) -> socket.socket | None:
    """Trap: uvicorn would end the process, which works as well unseen as seen."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        log.error("/metrics and /healthz are not served: port %d: %s; set METRICS_PORT to a free one", port, error)  # noqa: TRY400
        return None
    return listener
