"""A running stack with what is known of its log and of the provider; trials take turns on it."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pymongo

from deploy.probes import probes
from deploy.stack.supervision import State, Supervision
from streams.exits import Exit
from tests.chaos.ledger import Ledger
from tests.support.stack import COMMAND_SECONDS, OwnStack, own_stack, wait_until

RATE = float(os.environ.get("CHAOS_RATE", "300"))
"""Notifications a second."""
RESULTS = os.environ.get("CHAOS_RESULTS")
"""The file that gets a line for each trial; none is written if it is not set."""
MOCK = {"MOCK_FAILURE_RATE": "0.2", "MOCK_LATENCY": "0.05", "QUEUED_PATIENCE": "15"}
DISK = "600m"
SERVERS = ("kafka", "rabbitmq", "redis", "mongo")
FULL = 500_000
"""Events on the log after which a new stack is quicker than a larger audit."""


@dataclass
class Bed:
    """`calls` is the mock provider's record; `given_up` are notifications of earlier trials that were lost."""

    stack: OwnStack
    folder: Path
    calls: Path
    given_up: set[str] = field(default_factory=set)
    spoiled: bool = False
    """Whether a trial has left it in a state that others should not begin with."""
    results: Path | None = Path(RESULTS) if RESULTS else None

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.stack.settings.kafka_url.removeprefix("kafka://").rstrip("/"))

    @cached_property
    def supervision(self) -> Supervision:
        return Supervision(self.stack.home)

    def data(self, server: str) -> Path:
        """The folder of a server's data."""
        return self.stack.home.server(server) / "data"

    def calls_size(self) -> int:
        """Bytes of the provider's record so far."""
        return self.calls.stat().st_size if self.calls.exists() else 0

    def answers(self, server: str) -> bool:
        """Whether a server does what it is for."""

        async def ask() -> str | None:
            async with probes(self.stack.settings) as asking:
                return await asking.ask(server)

        return asyncio.run(ask()) is None

    def wait_for_answer(self, server: str) -> None:
        """Returns when the server answers."""
        wait_until(lambda: self.answers(server), 90, lambda: f"{server} does not come back: {self.stack.status()}")

    def stop(self, name: str) -> None:
        """As an operator would, through supervisord; returns when the process is gone."""
        self.supervision.halt(self._state(name))

    def start(self, name: str) -> None:
        """Through supervisord; returns at once."""
        self.supervision.start(self._state(name))

    def _state(self, name: str) -> State:
        return next(state for state in self.supervision.states() if state.name == name)

    def kill_anything(self, choose: random.Random) -> bool:
        """SIGKILL of a server or process, whichever it hits; False if that had just ended by itself."""
        running = [name for name, row in self.stack.status().items() if row["pid"]]
        try:
            self.stack.kill(choose.choice(running))
        except ProcessLookupError:
            return False
        return True

    def wait_for_servers(self) -> None:
        """Returns when all of them answer."""
        for server in SERVERS:
            self.wait_for_answer(server)

    def wait_for_refusal(self, name: str, why: str) -> None:
        """Returns when a process has left with the code for that, and has said why."""

        def refused() -> bool:
            said = self.stack.log(name).rpartition(f"{name} starts")[2]
            return f"leaving with REFUSED ({Exit.REFUSED})" in said and why in said

        wait_until(refused, 60, lambda: f"{name} does not refuse: {self.stack.log(name)[-1000:]}")

    def first_shown(self, names: list[str]) -> float | None:
        """The time, once the read model has one of these as sent."""
        with pymongo.MongoClient[dict[str, Any]](self.stack.settings.mongo_url) as client:
            jobs = client[self.stack.settings.mongo_database]["NotificationJob"]
            found = jobs.find_one({"_id": {"$in": names}, "status": "sent"}, {"_id": 1})
        return None if found is None else time.time()

    def audit(self) -> dict[str, Any]:
        """What `./tidings audit --json` says."""
        command, environment = self.stack.command("audit", "--json"), self.stack.environment
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        try:
            told = json.loads(done.stdout)
        except ValueError:
            return {"clean": False, "kinds": [], "findings": [done.stderr[-2000:]]}
        return {
            "clean": told["clean"] and done.returncode == 0,
            "kinds": list(told["found"]),
            "findings": told["findings"][:10],
            "counts": told["counts"],
        }

    def late(self) -> float | None:
        """What lifecycle's reconciler has found late since it started; None where it does not tell."""
        ports = self.stack.status()["lifecycle"]["ports"]
        if not ports:
            return None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/metrics", timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("tidings_late_total"))

    @contextmanager
    def worker(
        self, kind: str, name: str, module: tuple[str, ...] = ("deploy.process",), **more: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Another process of the stack, started by hand; told to stop at the end, and waited for."""
        urls = self.stack.settings
        environment = {
            **self.stack.environment,
            **{
                f"{server}_URL": getattr(urls, f"{server.lower()}_url")
                for server in ("KAFKA", "RABBITMQ", "REDIS", "MONGO")
            },
            "WORKER": name,
            "TIDINGS_STACK": str(self.stack.home.root),
            **more,
        }
        log = self.stack.home.log(f"{name}-by-hand")
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module[0], kind, *module[1:]],
                env=environment,
                stdout=output,
                stderr=output,
            )
            try:
                yield process
            finally:
                process.terminate()
                process.wait(60)


@contextmanager
def bed(small_disk: str | None = None, **environment: str) -> Iterator[Bed]:
    """A stack that is up, with a provider that fails one call in five and keeps a record.

    `small_disk` names a server whose data lie on a file system of their own, of `DISK`.
    """
    with own_stack() as stack, ExitStack() as mounted:
        folder = stack.home.root / "chaos"
        made = Bed(stack, folder, folder / "calls")
        stack.environment.update(MOCK | environment | {"MOCK_RECORD": str(made.calls)})
        folder.mkdir(parents=True)
        if small_disk is not None:
            mounted.enter_context(mount(made.data(small_disk)))
            mounted.callback(stack.run, "down", check=False)
        stack.run("up", "--detach")
        yield made


@contextmanager
def mount(folder: Path) -> Iterator[None]:
    """A small disk in that place."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
