"""Loaded into supervisord: counts unexpected exits, and keeps the pause between failed starts bounded.

supervisord adds a second to the pause after each failed start and gives up after `startretries`. A process here
may fail to start for as long as a server is away and must still come back, so the pause stops growing instead.
"""

import time
from typing import Any, TypedDict

from supervisor import events
from supervisor.options import decode_wait_status
from supervisor.process import Subprocess

from deploy.stack.program import LONGEST_PAUSE
from streams.exits import Exit

NEEDS_A_HUMAN: dict[int, str] = {Exit.REFUSED: "refused", Exit.UPGRADE: "needs an upgrade"}
"""Codes after which a restart alone mends nothing."""


class Exits(TypedDict):
    """What `status` shows about a program that did not stay up."""

    count: int
    last: str
    at: int


class ExitCounter:
    """The RPC interface `tidings`. supervisord offers its public methods to clients."""

    def __init__(self) -> None:
        self._exits: dict[str, Exits] = {}
        events.subscribe(events.ProcessStateExitedEvent, self._note)
        events.subscribe(events.ProcessStateBackoffEvent, self._note)

    def exits(self) -> dict[str, Exits]:
        """Per program: how often it ended unexpectedly, and how and when (Unix seconds) it last did."""
        return self._exits

    def _note(self, event: Any) -> None:  # noqa: ANN401 - supervisor has no types
        process = event.process
        before = self._exits.get(process.config.name)
        self._exits[process.config.name] = {
            "count": 1 + (before["count"] if before else 0),
            "last": _how_it_ended(process.exitstatus, getattr(process, "ended_with", None)),
            "at": int(time.time()),
        }
        process.backoff = min(process.backoff, LONGEST_PAUSE)


def _how_it_ended(status: int | None, code: int | None) -> str:
    if code in NEEDS_A_HUMAN:
        return f"{NEEDS_A_HUMAN[code]}: see its log"
    if status is None:
        return "ended while starting"
    return "was killed by a signal" if status < 0 else f"ended with exit code {status}"


def make_interface(_supervisord: object, **_options: str) -> ExitCounter:
    """The factory that supervisord.conf names."""
    Subprocess.finish = _finish
    return ExitCounter()


_supervisor_s_finish = Subprocess.finish


def _finish(process: Any, pid: int, status: int) -> None:  # noqa: ANN401
    """Trap: supervisord forgets the exit code of a program that ends before it has proved itself."""
    process.ended_with = decode_wait_status(status)[0]
    _supervisor_s_finish(process, pid, status)
