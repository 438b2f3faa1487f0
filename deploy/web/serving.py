"""An ASGI application served by uvicorn until the process is told to stop."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn

from deploy.web.bounded_http import BoundedHttp

Upgrade = Callable[..., asyncio.Protocol] | Literal["none"]
"""Makes the protocol of a connection that becomes a WebSocket."""


class Server(uvicorn.Server):
    """Uvicorn, told to stop by the composition root instead of by signals of its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signal handlers alone."""
        yield


async def serve(
    application: Any,  # noqa: ANN401 - ASGI's types are uvicorn's own, and not Starlette's
    stopping: asyncio.Event,
    *,
    grace: int,
    sockets: Sequence[socket.socket] | None = None,
    upgrade: Upgrade = "none",
    **options: Any,  # noqa: ANN401 - `uvicorn.Config`'s
) -> None:
    """Serve until `stopping`, then finish what is under way within `grace` seconds; `upgrade` takes WebSockets over."""
    config = uvicorn.Config(
        application,
        http=BoundedHttp,
        ws=upgrade,  # type: ignore[arg-type]  # a factory does as well as a class
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody is trusted to say who somebody else is
        timeout_graceful_shutdown=grace,
        **options,
    )
    server = Server(config)

    async def stop() -> None:
        await stopping.wait()
        server.should_exit = True

    stopper = asyncio.create_task(stop())
    try:
        await server.serve(list(sockets) if sockets is not None else None)
    finally:
        stopper.cancel()
