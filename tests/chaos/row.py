"""A row of the table: what one trial showed, and what of it is harm."""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.servers.mongo.server import choose
from tests.chaos.ledger import Dispatch

HELD = 0.97
"""Of the rate that was asked for: what the load must have come to."""
EXPLAINED = 50
"""Doubles that a fault may cause, each of them told by a `send-lost`."""
TOO_LITTLE = "too little load"
"""Harm to the trial, not by the system."""
HOLE = "hole"
"""The audit's word for records that are not where they were."""
SHOWN = 5
RECOVERS_WITHIN = 15.0
"""Seconds from the death of a process; for a server, from its answering again."""


@dataclass
class Row:
    """Figures of one trial; `stall`, `recovery` and `ended` in seconds, rates per second."""

    fault: str
    rate: float
    accepted: int = 0
    held: int = 0
    offered: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    failed: int = 0
    lost: list[str] = field(default_factory=list)
    told: int = 0
    """Losses that are on record, since somebody told the system to go on without what was removed."""
    explained: int = 0
    unexplained: list[str] = field(default_factory=list)
    unannounced: list[Dispatch] = field(default_factory=list)
    repeated: list[Dispatch] = field(default_factory=list)
    stall: float = 0.0
    recovery: float | None = None
    ended: float = 0.0
    audit: dict[str, Any] | None = None
    late: float | None = None
    """What lifecycle's reconciler has found late meanwhile; None where it does not tell."""
    holed: bool = False
    """Records of the log itself were removed: the audit must find that, and nothing can be clean any more."""
    door_shut: bool = False
    """The API could not accept for a while, so the load is what was offered."""
    allowed: int = EXPLAINED
    """How many doubles may be explained."""
    broken: str = ""
    """What the test itself found wrong, before it could be judged."""
    events: int = 0
    """On the log by the end."""

    @property
    def harm(self) -> dict[str, Any]:
        """What must not be, by name; empty if the fault did none."""
        found: dict[str, Any] = {
            "lost": self.lost,
            "sent again without a loss on the log": self.unexplained,
            "called without being announced": self.unannounced,
            "called again": self.repeated,
        }
        if self.broken:
            found["not as expected"] = [self.broken]
        elif self.recovery is None:
            found["nothing new is sent any more"] = [self.fault]
        if self.explained > self.allowed:
            found["doubles, though explained"] = [str(self.explained)]
        if self.audit is not None and self.holed != (HOLE in self.audit["kinds"]):
            found["audit"] = ["it sees no hole where there is one, or one where there is none"]
        elif self.audit is not None and not self.holed and not self.audit["clean"]:
            found["audit"] = self.audit["findings"] or ["not clean, without a finding"]
        if (self.offered if self.door_shut else self.held) < HELD * self.rate:
            found[TOO_LITTLE] = [f"{self.held}/s accepted, {self.offered}/s offered of {self.rate}/s"]
        return {name: (len(what), list(what)[:SHOWN]) for name, what in found.items() if what}

    def log(self, results: Path | None) -> None:
        """Say it, and keep it if there is a place for it."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        database = choose(lambda _: None).flavor
        facts = {"at": at, "database": database} | asdict(self) | {"harm": self.harm}
        sys.stdout.write(f"\n{json.dumps(facts)[:4000]}\n")
        if results is not None:
            results.parent.mkdir(parents=True, exist_ok=True)
            line = f"{json.dumps(facts)}\n".encode()
            file = os.open(results, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
            try:
                os.write(file, line)
            finally:
                os.close(file)


def increase(before: float | None, after: float | None) -> float | None:
    """By how much a counter rose; a process that started meanwhile began at 0."""
    if after is None:
        return None
    return after - before if before is not None and before <= after else after
