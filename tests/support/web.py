"""A router on a port of its own, served by uvicorn as `deploy.web` serves it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn
from fastapi import APIRouter, FastAPI

from deploy.stack import ports
from deploy.web.app import GRACE_SECONDS

ENDS_WITHIN = 60

Upgrade = Callable[..., Any] | Literal["auto"]


@contextmanager
def serving(router: APIRouter, upgrade: Upgrade = "auto") -> Iterator[str]:
    """Its URL, for as long as it is served; `upgrade` takes its sockets over."""
    app = FastAPI()
    app.include_router(router)
    port = ports.choose(())
    config = uvicorn.Config(
        app,
        port=port,
        log_config=None,
        access_log=False,
        http="httptools",
        ws=upgrade,  # type: ignore[arg-type]  # a factory does as well as a class
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(ENDS_WITHIN)
        assert not thread.is_alive(), "the server does not end"
