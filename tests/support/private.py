"""A server of a test's own, to be frozen and stopped as the shared ones must not be."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from deploy.servers.rabbitmq import RabbitMQ
from deploy.servers.redis import Redis
from deploy.stack import ports
from deploy.stack.home import Home

START_SECONDS = 60


class Private:
    """RabbitMQ or Redis in a folder and on ports of its own; its data outlives `stop`."""

    def __init__(self, server: RabbitMQ | Redis, folder: Path) -> None:
        home = Home(folder)
        assigned = ports.assign(home.ports, server.port_names)
        self.url = server.url(assigned)
        self._port = assigned[server.port_names[0]]
        self._program = server.program(home, assigned, print)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it listens; nothing to do if it does."""
        if self._process is not None:
            return
        self._process = subprocess.Popen(
            self._program.command,
            cwd=self._program.folder,
            env={**os.environ, **self._program.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(0.05)
        raise TimeoutError(f"{self._program.name} does not listen on {self._port}")

    def stop(self) -> None:
        """As an operator would, frozen or not."""
        if self._process is not None:
            self.thaw()
            self._process.terminate()
            self._process.wait(START_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections, and answers nobody."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if nothing had been."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
