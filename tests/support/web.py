"""A router on a port of its own, served by uvicorn as `deploy.web` serves it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI

from deploy.stack import ports


@contextmanager
def serving(router: APIRouter) -> Iterator[str]:
    """Its URL, for as long as it is served."""
    app = FastAPI()
    app.include_router(router)
    port = ports.choose(())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False, http="httptools"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
