"""`recover`: makes again what a processor refuses to start without, from the log."""

import time
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from deploy.admin.watching import watched
from deploy.stack.environment import running_settings
from deploy.stack.home import Home
from deploy.stack.report import Report
from deploy.stack.standstill import stopped
from streams.counted import counted
from streams.settings import Settings


class Part(StrEnum):
    """What can be recovered."""

    LIFECYCLE = "lifecycle"
    ADMIT = "admit"
    DELIVER = "deliver"


def recover(
    part: Annotated[
        Part, typer.Argument(metavar="PART", help="lifecycle, admit: the table; deliver: the places in the lanes.")
    ],
) -> None:
    """Rebuild a table from the log, or find deliver's place again. Nothing is sent; workers are stopped meanwhile."""
    from deploy.admin.asking import ask
    from streams.codec import UnknownType
    from streams.exits import Refused

    report, settings = Report(Console(stderr=True)), running_settings()
    home = Home(settings.tidings_home)
    with stopped(home, (part.value,), report):
        ask(_recover(part, settings, report), Refused, UnknownType)


async def _recover(part: Part, settings: Settings, report: Report) -> None:
    from streams.recovery.lanes import skip
    from streams.recovery.rebuild import Stage, alone, rebuild

    with report.working("waiting until the workers' sessions have ended"):
        await alone(settings, part.value)
    if part is Part.DELIVER:
        skipped = await skip(settings)
        for place, until in skipped.items():
            report.say(f"{place.topic}[{place.partition}] goes on at {until}")
        report.done(
            f"found the place again in {counted(len(skipped), 'lane partition')}; what waited there is queued again"
        )
        return
    began = time.monotonic()
    stage: Stage = "lifecycle" if part is Part.LIFECYCLE else "admit"
    with watched(report.console) as watcher:
        done = await rebuild(settings, stage, partial(watcher.at, f"reading the log for {stage}"))
    seconds = time.monotonic() - began
    told = f"{counted(done.events, 'event')}, {counted(done.rows, 'row')}, {done.owed:,} still to be decided"
    report.done(f"{told}: {done.events / seconds:,.0f} events/s")
