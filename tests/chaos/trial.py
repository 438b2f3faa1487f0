"""One load with one fault in it, and what became of all that was accepted meanwhile."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.chaos.bed import Bed
from tests.chaos.ledger import Calls, longest_gap
from tests.chaos.row import EXPLAINED, TOO_LITTLE, Row, increase
from tests.support.stack import wait_until

LOAD = Path(__file__).with_name("load.py")
WARM = 4.0
"""Seconds of load before the fault."""
AFTER = 3.0
"""Seconds of load after the recovery."""
RECOVERS_WITHIN = 90.0
ENDS_WITHIN = 240.0
"""Seconds from the end of the load until all have ended: retries, deadlines, and a backlog of half a minute."""
BROKEN_ENDS_WITHIN = 20.0
TAIL = 3000
"""Characters of what broke it: of a traceback the end tells."""


class Trial:
    """`with bed.trial(fault, rate): ...` loads for as long as the block lasts, and judges what became of it.

    After a block that did not raise the load goes on until the fault is recovered from, `RECOVERS_WITHIN` at most, and
    for `AFTER` seconds more.
    """

    def __init__(  # noqa: PLR0913 - the facts of a fault, all named at the call
        self,
        bed: Bed,
        fault: str,
        rate: float,
        *,
        door_shut: bool = False,
        shown: bool = False,
        explained: int = EXPLAINED,
        holed: bool = False,
        told: Callable[[], set[str]] = set,
    ) -> None:
        """`door_shut`: the fault keeps the API from accepting. `shown`: recovery is when the read model shows what was
        accepted after the fault as sent, instead of when the log does. `told` gives those whose loss is on record."""
        self.row = Row(fault, rate, door_shut=door_shut, allowed=explained, holed=holed)
        self.accepted: dict[str, float] = {}
        """When each was answered with 201, by id."""
        self._bed, self._told = bed, told
        self._first = bed.first_shown if shown else self._first_sent
        self._file = bed.folder / f"accepted-{time.time_ns()}"
        self._read_to = 0
        self._ended: float | None = None

    def __enter__(self) -> Self:
        self._bed.spoiled = True
        self._bed.ledger.read_on()
        self._calls_before, self._late_before = self._bed.calls_size(), self._bed.late()
        command = [
            sys.executable,
            str(LOAD),
            f"{self._bed.stack.http}/api/notifications",
            str(self.row.rate),
            str(self._file),
        ]
        self._began = time.time()
        self._load = subprocess.Popen(command, stdout=subprocess.PIPE)
        wait_until(lambda: self._first_sent(list(self._new())) is not None, 60, lambda: "nothing is sent")
        self.go_on(WARM)
        return self

    def go_on(self, seconds: float) -> None:
        """Let it run for a while."""
        time.sleep(seconds)
        assert self._load.poll() is None, "the load has ended"

    def fault_ended(self) -> None:
        """From now on recovery is timed; without this call, from the end of the block."""
        self._ended = time.time()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._ended = self._ended or time.time()
                self._await_recovery(self._ended)
                self.go_on(AFTER)
        finally:
            load = self._stop()
        if error is not None:
            self.row.broken = str(error)[-TAIL:]
        self._judge(load)
        self._bed.spoiled = bool(self.row.harm.keys() - {TOO_LITTLE})

    def _await_recovery(self, since: float) -> None:
        """The first of what was accepted after the fault is sent."""

        def recovered() -> bool:
            time.sleep(1)
            self._new()
            first = self._first([name for name, at in self.accepted.items() if at > since])
            self.row.recovery = None if first is None else round(first - since, 1)
            return first is not None

        deadline = time.monotonic() + RECOVERS_WITHIN
        while not recovered() and time.monotonic() < deadline:
            pass

    def _first_sent(self, names: list[str]) -> float | None:
        self._bed.ledger.read_on()
        return min((at for name in names if (at := self._bed.ledger.sent.get(name)) is not None), default=None)

    def _stop(self) -> dict[str, Any]:
        self._load.terminate()
        output, _ = self._load.communicate(timeout=120)
        self._stopped = time.time()
        self._new()
        return dict(json.loads(output))

    def _new(self) -> dict[str, float]:
        """Take in what was accepted meanwhile."""
        if self._file.exists():
            with self._file.open("rb") as file:
                file.seek(self._read_to)
                lines = file.read().splitlines(keepends=True)
            for line in lines:
                if line.endswith(b"\n"):
                    at, name = line.split()
                    self.accepted[name.decode()] = float(at)
                    self._read_to += len(line)
        return self.accepted

    def _judge(self, load: dict[str, Any]) -> None:
        ledger, row = self._bed.ledger, self.row
        mine = self.accepted.keys()

        def open_ones() -> set[str]:
            return (mine - ledger.sent.keys() - ledger.failed - self._told()) | (
                ledger.open - self._told() - self._bed.given_up
            )

        deadline = time.monotonic() + (BROKEN_ENDS_WITHIN if row.broken else ENDS_WITHIN)
        while (not ledger.read_on() or open_ones()) and time.monotonic() < deadline:
            time.sleep(0.5)
        row.ended = round(time.time() - self._stopped, 1)
        row.accepted, row.refused = len(mine), load["refused"]
        row.held = round(len(mine) / load["seconds"])
        row.offered = round((len(mine) + sum(load["refused"].values())) / load["seconds"])
        row.sent, row.failed = len(mine & ledger.sent.keys()), len((mine & ledger.failed) - ledger.sent.keys())
        lost = (mine | ledger.accepted.keys()) - ledger.sent.keys() - ledger.failed - self._bed.given_up
        row.told = len(lost & self._told())
        row.lost = sorted(lost - self._told())
        self._bed.given_up |= lost
        calls = Calls.read(self._bed.calls, self._calls_before)
        row.explained, row.unexplained = calls.doubled(ledger)
        row.unannounced, row.repeated = calls.unannounced(ledger), calls.repeated()
        row.stall = round(longest_gap(list(ledger.sent.values()), self._began + WARM, self._stopped), 1)
        row.audit, row.late = self._bed.audit(), increase(self._late_before, self._bed.late())
        row.events = ledger.events
        row.log(self._bed.results)
