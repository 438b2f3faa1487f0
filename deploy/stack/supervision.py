"""supervisord of one stack: starting it, asking it, telling it, ending it."""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from deploy.stack.errors import StackError
from deploy.stack.home import Home
from deploy.stack.program import ENDED_WITH_PARENT, Group

START_SECONDS = 15
STOP_SECONDS = 120
"""Processes may take 20 s, then servers 40."""
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class State:
    """What supervisord knows of a program."""

    name: str
    group: Group
    state: str
    """stopped, starting, running, backoff, stopping, exited, fatal or unknown"""
    pid: int | None
    uptime: int | None
    """In seconds."""
    restarts: int
    last_exit: str | None


class Supervision:
    """A client of the stack's supervisord, whether it runs or not."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._child: subprocess.Popen[bytes] | None = None

    def launch(self, environment: Mapping[str, str], *, outlives_us: bool) -> None:
        """Starts supervisord in a session of its own, where no Ctrl-C of a terminal reaches it, and waits for it."""
        command = [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(self._home.supervisor_config)]
        with self._home.log("supervisord").open("a") as log:
            self._child = subprocess.Popen(
                command if outlives_us else [*ENDED_WITH_PARENT, *command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while self.pid() is None:
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"supervisord does not start: see {self._home.log('supervisord')}")
            time.sleep(POLL_SECONDS)

    def pid(self) -> int | None:
        """Of supervisord itself; None where it does not run."""
        try:
            return int(self._call("supervisor.getPID"))
        except (OSError, HTTPException):
            return None

    def states(self) -> list[State]:
        """All programs in the order of their configuration; none where supervisord does not run or is ending."""
        try:
            exits, infos = self._call("tidings.exits"), self._call("supervisor.getAllProcessInfo")
        except (OSError, HTTPException):
            return []
        except Fault as fault:
            if fault.faultCode == Faults.SHUTDOWN_STATE:
                return []
            raise
        return [_state(info, exits.get(info["name"])) for info in infos]

    def start(self, state: State) -> None:
        """Starts a program that does not run; returns at once."""
        try:
            self._call("supervisor.startProcess", f"{state.group}:{state.name}", False)  # noqa: FBT003 - XML-RPC has no names
        except Fault as fault:
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise

    def halt(self, state: State) -> None:
        """Stops one program; returns when it has ended. One that is not running stays so."""
        try:
            self._call("supervisor.stopProcess", f"{state.group}:{state.name}", True)  # noqa: FBT003 - as above
        except Fault as fault:
            if fault.faultCode != Faults.NOT_RUNNING:
                raise

    def stop(self) -> None:
        """Ends the processes, then the servers, then supervisord; returns when it is gone, however that has to be."""
        pid = self.pid()
        if pid is None:
            return
        try:
            supervisord = psutil.Process(pid)
            self._call("supervisor.shutdown")
        except Fault as fault:
            if fault.faultCode != Faults.SHUTDOWN_STATE:
                raise
        try:
            supervisord.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            supervisord.kill()
        if self._child is not None:
            self._child.wait()

    def _call(self, method: str, *arguments: str | bool) -> Any:  # noqa: ANN401 - XML-RPC has no types
        url = f"unix://{self._home.socket}"
        with ServerProxy("http://127.0.0.1", SupervisorTransport(serverurl=url)) as supervisord:
            return getattr(supervisord, method)(*arguments)


def _state(info: Mapping[str, Any], exits: Mapping[str, Any] | None) -> State:
    alive = info["pid"] != 0
    return State(
        info["name"],
        info["group"],
        info["statename"].lower(),
        info["pid"] if alive else None,
        max(0, info["now"] - info["start"]) if alive else None,
        exits["count"] if exits else 0,
        exits["last"] if exits else None,
    )
