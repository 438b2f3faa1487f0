"""What promotional work does to transactional: its times with nothing else, before a waiting backlog, and in a flood.

The provider is down while the backlog piles up, so all of it waits when the measuring begins; then its lanes drain at
the speed of their slots.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import psutil
from rich.table import Table

from deploy.bench import load
from deploy.bench.backlog import Lost, settled, until
from deploy.bench.measure import Stories, caught_up, follow
from streams.events import Accepted, Body, Event
from streams.settings import Settings

SLOTS = "6"
"""A lane's calls in flight, where the environment says nothing: with 0.1 s a call 180 promotional ones a second."""
CONNECTIONS = 64
WARM_UP = 15.0
"""Seconds of requests that don't count: right after a start the p99 was 2.6 s, later 0.3."""
PATIENCE = 900.0
"""Seconds after the last request by which all must have ended."""
LOOK_EVERY = 0.2
DRAINING = 300
"""Promotional ones sent after the outage from which on the breakers are closed again."""
SHARES = (0.5, 0.95, 0.99)


@dataclass
class Classes(Stories):
    """The stories, and which of them are transactional, in the order of their acceptance."""

    transactional: list[str] = field(default_factory=list)

    def add(self, event: Event[Body]) -> None:
        """Count one event of the log."""
        new = isinstance(event.body, Accepted) and event.notification not in self.accepted
        super().add(event)
        if new and isinstance(event.body, Accepted) and event.body.priority == "transactional":
            self.transactional.append(event.notification)

    def waiting(self) -> int:
        """Notifications on the log that have not ended."""
        return len(self.accepted) - self.final


@dataclass(frozen=True, slots=True)
class Phase:
    """One round of transactional requests. Seconds, in order of size; `waited` is what lay there before and after."""

    name: str
    sent: list[float]
    answers: list[float]
    waited: tuple[int, int]
    cpu: float
    """Percent of the whole machine."""


@dataclass(frozen=True, slots=True)
class Load:
    """Promotional ones that wait, and that pour in; transactional ones a second, and for how many seconds."""

    backlog: int
    flood: int
    rate: float
    seconds: float


async def run(settings: Settings, asked: Load, hold: Callable[[], None], release: Callable[[], None]) -> list[Phase]:
    """All three rounds; `hold` takes the provider down, `release` brings it back. Raises `Lost`."""
    async with _followed(settings) as stories:
        await _round("warm-up", settings, replace(asked, seconds=min(WARM_UP, asked.seconds)), stories)
        phases = [await _round("alone", settings, asked, stories)]
        hold()
        known = len(stories.accepted)
        await load.publish(settings.rabbitmq_url, asked.backlog, priority="promotional")
        await until(lambda: len(stories.accepted) >= known + asked.backlog, stories)
        await settled(stories)
        await caught_up(settings.kafka_url, settings.partitions)  # what lies there is measured, not its arrival
        release()
        sent = len(stories.sent)
        await until(lambda: len(stories.sent) >= sent + min(DRAINING, asked.backlog), stories)
        phases.append(await _round("backlog", settings, asked, stories))
        if asked.flood:
            flood = asyncio.create_task(load.publish(settings.rabbitmq_url, asked.flood, priority="promotional"))
            phases.append(await _round("flood", settings, asked, stories))
            await flood
    return phases


def table(phases: list[Phase], asked: Load, settings: Settings) -> Table:
    """A line a phase."""
    title = (
        f"transactional, request to sent, {asked.rate:g}/s for {asked.seconds:g} s; {asked.backlog:,} promotional wait"
    )
    if asked.flood:
        title += f", {asked.flood:,} more come"
    title += f"; {settings.slots_per_lane} slots a lane, {settings.mock_latency:g} s a call"
    names = ("ms", "sent", "p50", "p95", "p99", "p99, times", "POST p99", "waiting", "CPU, %")
    shown = Table(*names, title=title)
    for phase in phases:
        values = [percentile(phase.sent, share) * 1000 for share in SHARES]
        shown.add_row(
            phase.name,
            f"{len(phase.sent):,}",
            *(f"{value:,.0f}" for value in values),
            f"{percentile(phase.sent, 0.99) / percentile(phases[0].sent, 0.99):.2f}",
            f"{percentile(phase.answers, 0.99) * 1000:,.0f}",
            f"{phase.waited[0]:,} to {phase.waited[1]:,}",
            f"{phase.cpu:.0f}",
        )
    return shown


def percentile(values: list[float], share: float) -> float:
    """Of values in order; not a number if there are none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


async def _round(name: str, settings: Settings, asked: Load, stories: Classes) -> Phase:
    first, waiting = len(stories.transactional), stories.waiting()
    psutil.cpu_percent()
    url = f"http://{settings.host}:{settings.port}/api/notifications"
    answers = await load.post(url, int(asked.rate * asked.seconds), CONNECTIONS, asked.rate)
    cpu, left = psutil.cpu_percent(), stories.waiting()
    mine = await _ended(stories, first, len(answers.seconds))
    times = sorted((stories.sent[one] - stories.accepted[one]).total_seconds() for one in mine if one in stories.sent)
    return Phase(name, times, sorted(answers.seconds), (waiting, left), cpu)


async def _ended(stories: Classes, first: int, count: int) -> list[str]:
    """The transactional ones of a round, once all have ended. Raises `Lost`."""
    deadline = time.monotonic() + PATIENCE
    while True:
        mine = stories.transactional[first : first + count]
        open_ones = [one for one in mine if one not in stories.sent and one not in stories.failed]
        if len(mine) == count and not open_ones:
            return mine
        if time.monotonic() > deadline:
            raise Lost(f"{count:,} were accepted, {len(mine):,} are on the log, {len(open_ones):,} have not ended")
        await asyncio.sleep(LOOK_EVERY)


@asynccontextmanager
async def _followed(settings: Settings) -> AsyncIterator[Classes]:
    stories = Classes()
    following = asyncio.create_task(follow(settings.kafka_url, 2**62, stories))
    try:
        yield stories
    finally:
        following.cancel()
        await asyncio.wait([following])
