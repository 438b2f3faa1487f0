"""Rebuilds in tests, readers that must notice nothing of them, and programs whose folds differ."""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from projections.copies.copies import Pointer
from projections.copies.pointers import Pointers
from projections.fingerprints import plain
from projections.mongo.connection import database
from projections.position import Document
from projections.present.reads import Reads
from projections.rebuild.desk import Desk, Words
from projections.rebuild.gate import Compared
from projections.rebuild.rebuild import Options, drop, rebuild, roll_back
from streams import operations
from streams.operations import Operation
from streams.settings import Settings
from streams.topics import OPERATIONS
from tests.projections.lives import many
from tests.projections.stored import publish
from tests.support import kafka

BOTH = ("NotificationJob", "NotificationLog")
ADA = Words("ada", "the fold was mended")


@dataclass
class Seen:
    """A watcher that remembers."""

    parts: list[tuple[str, int | None]] = field(default_factory=list)
    comparisons: dict[str, Compared] = field(default_factory=dict)
    moves: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    wants: bool = True

    def begin(self, what: str, total: int | None = None) -> None:
        self.parts.append((what, total))

    def done(self, count: int) -> None:
        pass

    def folded(self, events: int, seconds: float) -> None:
        pass

    def compared(self, pointer: Pointer, compared: Compared) -> None:
        self.comparisons[pointer.projection] = compared

    async def wanted(self, pointer: Pointer) -> bool:  # noqa: ARG002
        return self.wants

    def moved(self, pointer: Pointer) -> None:
        self.moves.append(pointer.live.name)

    async def restart(self, pointer: Pointer) -> None:
        self.restarted.append(pointer.live.name)


async def made_again(
    settings: Settings, *names: str, accept: bool = False, seen: Seen | None = None
) -> tuple[Seen, dict[str, list[str]]]:
    watcher = seen or Seen()
    async with Desk.open(settings, ADA) as desk:
        return watcher, await rebuild(desk, names or BOTH, Options(accept_differences=accept), watcher)


async def gone_back(settings: Settings, *names: str, seen: Seen | None = None) -> Seen:
    watcher = seen or Seen()
    async with Desk.open(settings, ADA) as desk:
        await roll_back(desk, names or BOTH, Options(), watcher)
    return watcher


async def dropped(settings: Settings, *names: str) -> None:
    async with Desk.open(settings, ADA) as desk:
        await drop(desk, names or BOTH, Seen())


async def pointer(settings: Settings, name: str = "NotificationJob") -> Pointer:
    async with database(settings, patience=10) as base:
        return (await Pointers(base).read([name]))[name]


async def read_all(settings: Settings) -> tuple[dict[str, Document], dict[str, Document]]:
    """What readers find now: jobs and lines by id, without what two folds need not agree in."""
    async with database(settings, patience=10) as base:
        reads = Reads(base)
        jobs = {one["_id"]: plain(one) async for batch in reads.every("NotificationJob") for one in batch}
        return jobs, {one["_id"]: one async for batch in reads.every("NotificationLog") for one in batch}


async def operated(settings: Settings) -> list[Operation]:
    """What is on record, each once."""
    events = [operations.read(record.value) for record in await kafka.read(settings.kafka_url, OPERATIONS)]
    assert all((event.by, event.why) == ADA for event in events)
    return list({event.id: event.done for event in events}.values())


@asynccontextmanager
async def loaded(settings: Settings) -> AsyncIterator[None]:
    """Events keep coming meanwhile, of all kinds: a couple of hundred a second, as slow databases fold them too."""

    enough = asyncio.Event()

    async def load() -> None:
        for number in itertools.count():
            told = many(30, f"live{number}-")
            for start in range(0, len(told), 20):
                await publish(settings, told[start : start + 20])
                await asyncio.sleep(0.08)
                if enough.is_set():
                    return

    task = asyncio.create_task(load())
    try:
        yield
    finally:
        enough.set()
        await task


@dataclass
class Reader:
    """Reads all the time, one question after the other, as a client does, and remembers what it was told."""

    settings: Settings
    answers: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    copies: set[str] = field(default_factory=set)

    async def read(self) -> None:
        async with database(self.settings, patience=10) as base:
            reads, pointers = Reads(base), Pointers(base)
            while True:
                for document in await reads.newest({}, "~", 20):
                    self._judge(document["_id"], document)
                for name in list(self.positions)[-40:]:
                    self._judge(name, await reads.job(name))
                    told = len(await reads.story(name))
                    assert told >= self.lines.get(name, 1), f"{name} had {self.lines[name]} lines, and has {told}"
                    self.lines[name] = told
                assert sum((await reads.counts()).values()) > 0
                self.copies.add(await pointers.live("NotificationJob"))

    def _judge(self, name: str, document: Document | None) -> None:
        assert document is not None, f"{name} was there, and is not found"
        position = document["fold"]["position"]
        assert position >= self.positions.get(name, -1), f"{name} went back from {self.positions[name]} to {position}"
        self.positions[name] = position
        self.answers += 1


@asynccontextmanager
async def watched(settings: Settings, readers: int = 2) -> AsyncIterator[list[Reader]]:
    """Readers read all the time meanwhile; what they notice is raised at the end."""
    there = [Reader(settings) for _ in range(readers)]
    tasks = [asyncio.create_task(reader.read()) for reader in there]
    try:
        yield there
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


OTHERWISE = """
from projections.present import jobs
jobs.VERSION = 99
changes = jobs.changes
jobs.changes = lambda standing: {**changes(standing), "colour": "blue"}
from projections.present import batch
batch.changes = jobs.changes
"""
"""A program whose fold of NotificationJob is of another version, and knows a field more."""
PROJECTING = """
import asyncio
from projections import runner
from streams.health.vitals import Vitals
asyncio.run(runner.run(settings, asyncio.Event(), Vitals()))
"""
REBUILDING = """
import asyncio
from projections.rebuild.desk import Desk
from projections.rebuild.rebuild import Options, rebuild
from tests.projections.rebuild.given import ADA, Seen

class Told(Seen):
    async def restart(self, pointer):
        print("restart", pointer.live.name, flush=True)
        await asyncio.to_thread(sys.stdin.readline)

async def main():
    async with Desk.open(settings, ADA) as desk:
        refused = await rebuild(desk, [NAMES], Options(), Told())
        print("refused" if any(refused.values()) else "done", flush=True)

asyncio.run(main())
"""


@contextmanager
def program(settings: Settings, *parts: str) -> Iterator[subprocess.Popen[str]]:
    """A process of its own, with these parts as its source."""
    given = json.dumps(settings.model_dump(mode="json") | {"recipient_secret": "s"})
    head = "import sys\nfrom streams.settings import Settings\nsettings = Settings.model_validate_json(sys.argv[1])\n"
    source = head + "\n".join(parts)
    with subprocess.Popen(
        [sys.executable, "-c", source, given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield started
        finally:
            started.kill()


async def line(started: subprocess.Popen[str]) -> str:
    """The next one that it prints."""
    assert started.stdout is not None
    return (await asyncio.to_thread(started.stdout.readline)).strip()


def rebuilding(*names: str) -> str:
    return REBUILDING.replace("NAMES", ", ".join(map(repr, names)))
