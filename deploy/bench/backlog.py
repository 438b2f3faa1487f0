"""A backlog: the provider is down, notifications pile up, the provider comes back; memory of each process meanwhile."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.table import Table

from deploy.bench import load
from deploy.bench.measure import MEBIBYTE, Stories, follow, usage
from deploy.stack.supervision import Supervision
from streams.settings import Settings

SAMPLE_EVERY = 1.0
"""Seconds."""
STILL = 120.0
"""Seconds without any event after which something is lost: deadlines and retries take far less."""
CALM = 200
"""Events a second below which the pile has settled: what is left are the breakers' probes."""


class Lost(Exception):
    """Not every notification of the run has ended."""


@dataclass
class Peaks:
    """The most memory each program had in a phase, in bytes."""

    supervision: Supervision
    now: dict[str, int] = field(default_factory=dict)
    phases: dict[str, dict[str, int]] = field(default_factory=dict)

    async def watch(self) -> None:
        """Look every second, until cancelled."""
        while True:
            for name, use in usage(self.supervision.states()).items():
                self.now[name] = max(self.now.get(name, 0), use.memory)
            await asyncio.sleep(SAMPLE_EVERY)

    def end_phase(self, name: str) -> None:
        """What follows is another phase."""
        self.phases[name], self.now = self.now, {}


async def run(
    settings: Settings, supervision: Supervision, restore: Callable[[], None], count: int, size: int
) -> tuple[Peaks, str]:
    """Pile up `count` notifications, `size` bytes longer than need be; `restore` the provider. Raises `Lost`."""
    peaks, stories = Peaks(supervision), Stories()
    background = [asyncio.create_task(work) for work in (peaks.watch(), follow(settings.kafka_url, count, stories))]
    try:
        await asyncio.sleep(SAMPLE_EVERY)
        peaks.end_phase("idle")
        began = time.perf_counter()
        await load.publish(settings.rabbitmq_url, count, size)
        await until(lambda: len(stories.accepted) >= count, stories)
        await settled(stories)
        piled, failed = time.perf_counter() - began, len(stories.failed)
        peaks.end_phase("piled up")
        restore()
        began = time.perf_counter()
        await until(lambda: stories.final >= count, stories)
        peaks.end_phase("drained")
    finally:
        for work in background:
            work.cancel()
    drained = time.perf_counter() - began
    return peaks, (
        f"{count:,} accepted and settled after {piled:.0f} s; all final {drained:.0f} s after the provider came back "
        f"({count / drained:,.0f}/s): {len(stories.sent):,} sent, {len(stories.failed):,} failed, {failed:,} of them "
        f"during the outage; {stories.events:,} events; none lost"
    )


def table(peaks: Peaks) -> Table:
    """By program and phase, in MiB."""
    shown = Table("process", *peaks.phases, title="most memory, MiB")
    for name in next(iter(peaks.phases.values())):
        shown.add_row(name, *(f"{phase.get(name, 0) / MEBIBYTE:,.0f}" for phase in peaks.phases.values()))
    return shown


async def until(reached: Callable[[], bool], stories: Stories) -> None:
    """Raises `Lost` when the log stands still before that."""
    events, since = stories.events, time.monotonic()
    while not reached():
        await asyncio.sleep(SAMPLE_EVERY)
        if stories.events > events:
            events, since = stories.events, time.monotonic()
        elif time.monotonic() - since > STILL:
            raise Lost(f"the log stands still: {len(stories.accepted):,} were accepted, {stories.final:,} have ended")


async def settled(stories: Stories) -> None:
    """Returns when hardly anything is written any more."""
    before = -1
    while stories.events - before > CALM or before < 0:
        before = stories.events
        await asyncio.sleep(SAMPLE_EVERY)
