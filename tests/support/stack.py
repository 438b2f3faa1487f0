"""Stacks of a test's own: in a temporary home, on free ports, gone when the test is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from deploy.stack import leftovers, ports
from deploy.stack.home import CHECKOUT, Home
from deploy.stack.plan import Facts
from deploy.stack.show import rows
from deploy.stack.supervision import Supervision
from streams.settings import Settings

COMMAND_SECONDS = 300
"""An `up` may have to install things first."""
Row = dict[str, Any]


@dataclass(frozen=True)
class OwnStack:
    """A home and the environment in which commands are run for it."""

    home: Home
    port: int
    environment: dict[str, str] = field(repr=False)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        """As the processes of the running stack have them."""
        facts = Facts.load(self.home)
        assert facts is not None
        given = {"tidings_home": self.home.root, "host": facts.host, "port": facts.port}
        return Settings().model_copy(update=given | facts.urls)

    def command(self, *arguments: str) -> list[str]:
        """What `./tidings` ends up running."""
        return [sys.executable, "-P", "-m", "deploy.cli", *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command of `./tidings` to its end."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout
        return done

    def post(self, recipient: str, **more: str) -> str:
        """The id of a notification that it has accepted."""
        body = {"type": "email", "recipient": recipient, "message": "hello", **more}
        answer = requests.post(f"{self.http}/api/notifications", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def status(self) -> dict[str, Row]:
        """What `status --json` prints, by name, without the cost of running it; empty if nothing runs."""
        return {row["name"]: row for row in rows(self.home, Supervision(self.home))}

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a program a signal; returns the pid it went to."""
        pid = int(self.status()[name]["pid"])
        os.kill(pid, number)
        return pid

    def wait_for(self, name: str, state: str, not_pid: int | None = None, within: float = 60) -> Row:
        """Returns once a program is in that state, as another process if so wanted."""

        def reached() -> bool:
            row = self.status().get(name, {"state": "absent", "pid": None})
            return bool(row["state"] == state and row["pid"] != not_pid)

        wait_until(reached, within, lambda: f"{name} is not {state}: {self.status()}")
        return self.status()[name]

    def log(self, name: str) -> str:
        """What a program has written."""
        return self.home.log(name).read_text()


@contextmanager
def own_stack(**overrides: str) -> Iterator[OwnStack]:
    """A stack that is not up yet, with these environment variables; it is down and removed afterwards."""
    with TemporaryDirectory(prefix="tidings-", ignore_cleanup_errors=True) as folder:
        home, port = Home(Path(folder)), ports.choose(taken=())
        environment = {
            **os.environ,
            "TIDINGS_HOME": folder,
            "PORT": str(port),
            "PYTHONPATH": str(CHECKOUT),
            "COLUMNS": "120",
            **overrides,
        }
        stack = OwnStack(home, port, environment)
        try:
            yield stack
        finally:
            stack.run("down", check=False)
            left = leftovers.end(home)
        assert left == 0, f"{left} processes were left running by `down`"


def wait_until(reached: Callable[[], bool], within: float, complaint: Callable[[], str]) -> None:
    """Looks five times a second."""
    deadline = time.monotonic() + within
    while not reached():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.2)
