"""Processes of the system of a test's own, to be killed; each is what `./tidings up` runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from deploy.stack import ports
from deploy.stack.home import CHECKOUT
from streams.settings import Settings

START_SECONDS = 60
GIVEN = ("kafka_url", "rabbitmq_url", "redis_url", "mongo_url", "mongo_database", "mailbox_kept")


class Process:
    """One process; `url` is where it answers."""

    def __init__(self, kind: str, settings: Settings, folder: Path, **more: str) -> None:
        port = ports.choose(())
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / f"{kind}-{port}.log"
        given = {name.upper(): str(getattr(settings, name)) for name in GIVEN}
        place = {"TIDINGS_HOME": str(folder), "PORT": str(port), "METRICS_PORT": str(port), "PYTHONPATH": str(CHECKOUT)}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "deploy.process", kind],
                env={**os.environ, **given, **place, "WORKER": f"{kind}-{port}", **more},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Returns once it answers."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                requests.get(f"{self.url}/healthz", timeout=1)
            except OSError:
                assert time.monotonic() < deadline, self._log.read_text()[-2000:]
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """As a machine that goes dark does."""
        self._process.kill()
        self._process.wait()


@contextmanager
def running(settings: Settings, folder: Path, *kinds: str, **more: str) -> Iterator[list[Process]]:
    """One process of each kind, with more variables in its environment; what is left of them goes with the test."""
    processes = [Process(kind, settings, folder, **more) for kind in kinds]
    try:
        for process in processes:
            process.wait()
        yield processes
    finally:
        for process in processes:
            process.kill()
