"""A broker of a test's own, which can go away."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.servers.kafka.server import Kafka
from deploy.stack import ports
from deploy.stack.home import Home


class OwnBroker:
    def __init__(self, folder: Path) -> None:
        home, kafka = Home(folder / "broker"), Kafka()
        home.make()
        assigned = ports.assign(home.ports, list(kafka.port_names))
        self.url = kafka.url(assigned)
        self._command = kafka.program(home, assigned, print).command
        self._log = folder / "broker.log"
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()

    @asynccontextmanager
    async def away(self, how: str) -> AsyncIterator[None]:
        """`frozen`: it is silent. `stopped`: it ends as it should, and is started again; `killed`: it does not."""
        signs = {"frozen": signal.SIGSTOP, "stopped": signal.SIGTERM, "killed": signal.SIGKILL}
        self._process.send_signal(signs[how])
        if how != "frozen":
            await asyncio.to_thread(self._process.wait)
        yield
        if how == "frozen":
            self._process.send_signal(signal.SIGCONT)
        else:
            self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=log)
