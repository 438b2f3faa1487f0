"""Runs workers of the toy like a container platform would: one that ends is started again, until it is told to go."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka.bootstrap import bootstrap
from streams.topics import DEAD_LETTERS, OPERATIONS
from tests.support.broker import declare
from tests.support.kafka import read
from tests.torture.checker import compare, expect
from tests.torture.worker import Faults

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
LOOK_EVERY = 0.1


@dataclass
class Supervisor:
    run: str
    url: str
    home: Path
    exits: list[tuple[str, int]] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    faults: dict[str, Faults] = field(default_factory=dict)

    def up(self, name: str, faults: Faults | None = None) -> None:
        """Start a worker; what makes it die once is forgotten when it is started again."""
        self.faults[name] = faults or Faults()
        self._start(name)

    def _start(self, name: str) -> None:
        environment = os.environ | {
            "FAULTS": msgspec.json.encode(self.faults[name]).decode(),
            "PYTHONPATH": str(ROOT),
        }
        program = [sys.executable, str(Path(__file__).parent / "worker.py"), self.run, name, self.url, str(self.home)]
        with (self.home / f"{name}.log").open("ab") as log:
            self.workers[name] = subprocess.Popen(program, env=environment, stdout=log, stderr=log)

    def send(self, name: str, sign: signal.Signals) -> None:
        self.workers[name].send_signal(sign)

    async def down(self, name: str, sign: signal.Signals = signal.SIGTERM) -> None:
        """Let a worker go for good."""
        process = self.workers.pop(name)
        if sign == signal.SIGTERM:
            await self._until_it_listens(name, process)
        begun = time.monotonic()
        process.send_signal(sign)
        await asyncio.to_thread(process.wait)
        if sign == signal.SIGTERM:
            self.stops.append(round(time.monotonic() - begun, 2))
            if process.returncode:
                self.exits.append((name, process.returncode))

    async def _until_it_listens(self, name: str, process: subprocess.Popen[bytes], within: float = 60) -> None:
        """SIGTERM ends a process that is still importing like any other: its first counts tell that it is not."""
        counts, mine = self.home / f"{name}.counts", f'"pid": {process.pid},'
        async with asyncio.timeout(within):
            while process.poll() is None and not (counts.exists() and mine in counts.read_text()):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY)

    def revive(self) -> None:
        for name, process in self.workers.items():
            if process.poll() is not None:
                self.exits.append((name, process.returncode))
                self.faults[name] = msgspec.structs.replace(
                    self.faults[name], kill_at="", stop_at="", kill_after_stages=0, drop_batch=0
                )
                self._start(name)

    async def sleep(self, seconds: float) -> None:
        """Supervise for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.revive()
            await asyncio.sleep(LOOK_EVERY)

    async def until_ended(self, name: str, within: float = 60) -> int:
        """Wait for a worker to end by itself, and let it be; returns its exit code."""
        process = self.workers[name]
        await asyncio.to_thread(process.wait, within)
        del self.workers[name]
        self.exits.append((name, process.returncode))
        return process.returncode

    async def until_frozen(self, name: str, within: float = 60) -> None:
        """Supervise until a worker has stopped itself."""
        process = psutil.Process(self.workers[name].pid)
        async with asyncio.timeout(within):
            while process.status() != psutil.STATUS_STOPPED:
                await self.sleep(LOOK_EVERY)

    async def until_exits(self, count: int, within: float = 60) -> None:
        """Supervise until so many workers have ended."""
        async with asyncio.timeout(within):
            while len(self.exits) < count:
                await self.sleep(LOOK_EVERY)

    async def until_done(self, within: float = 120) -> None:
        """Supervise until the whole input is folded and no timer is open."""
        async with asyncio.timeout(within):
            while not (await self._all_committed() and not await self._timers_open()):
                await self.sleep(0.5)

    async def _all_committed(self) -> bool:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(self.url), group_id=self.run, enable_auto_commit=False)
        await consumer.start()
        try:
            places = [TopicPartition(f"{self.run}-in", number) for number in range(PARTITIONS)]
            ends = await consumer.end_offsets(places)
            return all([await consumer.committed(place) == ends[place] for place in places])
        finally:
            await consumer.stop()

    async def _timers_open(self) -> bool:
        expected = expect(await read(self.url, f"{self.run}-in"))
        return any(tally.due is not None for tally in expected.tallies.values())

    async def check(self) -> dict[str, int]:
        """Compare what is on the topics with what must be."""
        topics = {name: await read(self.url, f"{self.run}-{name}") for name in ("in", "out", "lane", "tally-changelog")}
        topics["changelog"] = topics.pop("tally-changelog")
        letters = await read(self.url, DEAD_LETTERS)
        topics["letters"] = [letter for letter in letters if f'"{self.run}-in"'.encode() in letter.value]
        return compare(topics, expect(topics["in"]))

    def longest_log(self) -> int:
        """Lines a worker has written."""
        return max(len(path.read_text().splitlines()) for path in self.home.glob("w*.log"))

    def counts(self) -> dict[str, int]:
        """The counts of all workers' processes together."""
        total: Counter[str] = Counter()
        for path in self.home.glob("*.counts"):
            last = {(line := json.loads(text))["pid"]: line for text in path.read_text().splitlines()}
            for line in last.values():
                total.update({name: value for name, value in line.items() if name != "pid"})
        return dict(total)


async def supervisor(url: str, home: Path) -> Supervisor:
    """A run of its own, with its topics declared."""
    run = f"toy-{uuid.uuid4().hex[:8]}"
    await declare(url, *(f"{run}-{name}" for name in ("in", "out", "lane")), partitions=PARTITIONS)
    compaction = {"cleanup_policy": "compact,delete", "retention_ms": "-1", "min_compaction_lag_ms": "180000"}
    await declare(url, f"{run}-tally-changelog", partitions=PARTITIONS, **compaction)
    await declare(url, DEAD_LETTERS, OPERATIONS, partitions=1)
    return Supervisor(run, url, home)
