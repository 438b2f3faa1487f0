"""`bench`: how much a stack of its own takes, delivers, and what that costs; on this machine, with all on it."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.bench import backlog, isolation, load
from deploy.bench.measure import MEBIBYTE, Stories, Usage, follow, usage
from deploy.stack import ports
from deploy.stack.environment import read_settings
from deploy.stack.report import Report
from deploy.stack.stack import Stack
from streams.settings import Settings


class What(StrEnum):
    """What is measured."""

    INGEST = "ingest"
    DELIVER = "deliver"
    END_TO_END = "end-to-end"
    BACKLOG = "backlog"
    AUDIT = "audit"
    RECOVERY = "recovery"
    REBUILD = "rebuild"
    ISOLATION = "isolation"
    SOCKETS = "sockets"


def bench(  # noqa: PLR0913 - each is an option of its own
    what: Annotated[
        What, typer.Argument(help="ingest: POSTs as fast as answered; deliver: a backlog; end-to-end: a set rate.")
    ],
    *,
    count: Annotated[
        int, typer.Option(help="How many notifications; for audit, recovery and rebuild, events.")
    ] = 20_000,
    rate: Annotated[
        float | None, typer.Option(help="Requests a second: 833 (50,000 a minute) for end-to-end, 100 for isolation.")
    ] = None,
    connections: Annotated[int, typer.Option(help="HTTP connections.")] = 64,
    sockets: Annotated[int, typer.Option(min=1, help="WebSockets, for sockets; it uses --rate too.")] = 1_000,
    size: Annotated[int, typer.Option(help="Bytes of text more in each request, for backlog.")] = 0,
    backlog_size: Annotated[
        int, typer.Option("--backlog", help="Promotional notifications that wait, for isolation.")
    ] = 200_000,
    flood: Annotated[int, typer.Option(help="Promotional ones that pour in after that, for isolation.")] = 20_000,
    seconds: Annotated[float, typer.Option(help="How long each round takes, for isolation.")] = 60,
) -> None:
    """Measure a fresh stack: rates, latencies, CPU and memory of each process."""
    console = Console()
    if what is What.ISOLATION:
        _isolation(console, isolation.Load(backlog_size, flood, rate or 100, seconds))
        return
    if what is What.SOCKETS:
        _sockets(console, sockets, rate or 1_000)
        return
    if what is What.BACKLOG:
        _backlog(console, count, size)
        return
    if what in (What.AUDIT, What.RECOVERY, What.REBUILD):
        _long_log(what, console, count)
        return
    with _fresh_stack(Report(Console(stderr=True))) as (stack, settings):
        before = usage(stack.supervision.states())
        began = time.perf_counter()
        answers, stories = asyncio.run(_run(what, settings, count, rate or 833, connections))
        elapsed = time.perf_counter() - began
        after = usage(stack.supervision.states())
    console.print(_rates(answers, stories, elapsed))
    console.print(_costs(before, after, count))


def _sockets(console: Console, count: int, rate: float) -> None:
    """So many users of one gateway, each with a socket."""
    from deploy.bench import sockets  # noqa: PLC0415 - it needs the mailbox's client, which others need not wait for

    sockets.allow(count)
    with _fresh_stack(Report(Console(stderr=True))) as (stack, settings):
        measured = sockets.Bench(settings, stack.supervision, count, rate)
        try:
            asyncio.run(measured.run())
        finally:
            console.print(measured.table)


def _long_log(what: What, console: Console, events: int) -> None:
    """A log of so many events on servers without processes."""
    from deploy.bench import audits, rebuilds  # noqa: PLC0415 - it needs the processors, which other commands need not wait for

    with _fresh_stack(Report(Console(stderr=True)), processes=False) as (stack, settings):
        if what is What.AUDIT:
            console.print(audits.measure_audit(settings, events, Console(stderr=True)))
        elif what is What.REBUILD:
            console.print(rebuilds.measure_rebuild(settings, stack, events))
        else:
            console.print(audits.measure_recovery(settings, stack, events))


@contextmanager
def _fresh_stack(report: Report, *, processes: bool = True) -> Iterator[tuple[Stack, Settings]]:
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as home:
        settings = read_settings().model_copy(update={"tidings_home": Path(home), "port": ports.choose(taken=())})
        stack = Stack(settings, report)
        try:
            settings = stack.start_servers()
            if processes:
                stack.start_processes(settings)
            yield stack, settings
        finally:
            stack.stop()


def _backlog(console: Console, count: int, size: int) -> None:
    """The provider is down while `count` notifications pile up, and comes back."""
    with tempfile.TemporaryDirectory(prefix="tidings-outage-") as folder:
        outage = Path(folder, "outage")
        outage.touch()
        os.environ["MOCK_OUTAGE"] = str(outage)
        with _fresh_stack(Report(Console(stderr=True))) as (stack, settings):
            peaks, told = asyncio.run(backlog.run(settings, stack.supervision, outage.unlink, count, size))
    console.print(backlog.table(peaks), told)


def _isolation(console: Console, asked: isolation.Load) -> None:
    """No failures, which would hide all else behind the waits of their retries, unless the environment wants some."""
    with tempfile.TemporaryDirectory(prefix="tidings-outage-") as folder:
        outage = Path(folder, "outage")
        os.environ["MOCK_OUTAGE"] = str(outage)
        os.environ.setdefault("SLOTS_PER_LANE", isolation.SLOTS)
        os.environ.setdefault("MOCK_FAILURE_RATE", "0")
        with _fresh_stack(Report(Console(stderr=True))) as (_, settings):
            phases = asyncio.run(isolation.run(settings, asked, outage.touch, outage.unlink))
    console.print(isolation.table(phases, asked, settings))


async def _run(
    what: What, settings: Settings, count: int, rate: float, connections: int
) -> tuple[load.Answers | None, Stories]:
    if what is What.DELIVER:
        await load.publish(settings.rabbitmq_url, count)
        return None, await follow(settings.kafka_url, count)
    url = f"http://{settings.host}:{settings.port}/api/notifications"
    answers = await load.post(url, count, connections, rate if what is What.END_TO_END else None)
    return answers, await follow(settings.kafka_url, len(answers.seconds))


def _rates(answers: load.Answers | None, stories: Stories, elapsed: float) -> Table:
    table = Table(title="rates and times", show_header=False)
    if answers is not None:
        table.add_row("accepted/s", f"{len(answers.seconds) / answers.elapsed:,.0f}")
        table.add_row("refused, by status", str(answers.refused or "none"))
        table.add_row("POST p50 / p95 / p99", _percentiles(sorted(answers.seconds)))
    table.add_row("sent", f"{len(stories.sent):,}, failed {len(stories.failed):,}")
    table.add_row("sent/s", f"{stories.sent_per_second():,.0f}")
    table.add_row("events/s", f"{stories.events / elapsed:,.0f} ({stories.events:,} events)")
    table.add_row("accept to sent p50 / p95 / p99", _percentiles(stories.accept_to_sent()))
    table.add_row("retries late p50 / p95 / p99", _percentiles(sorted(stories.late)))
    table.add_row("all ended after", f"{elapsed:.1f} s")
    return table


def _percentiles(values: list[float]) -> str:
    if not values:
        return "-"
    chosen = (values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.95, 0.99))
    return " / ".join(f"{value * 1000:,.0f}" for value in chosen) + " ms"


def _costs(before: dict[str, Usage], after: dict[str, Usage], count: int) -> Table:
    table = Table("process", "CPU s", "CPU us a notification", "memory MiB", title="costs")
    total = 0.0
    for name, use in after.items():
        cpu = use.cpu - before[name].cpu if name in before else use.cpu
        total += cpu
        table.add_row(name, f"{cpu:.1f}", f"{cpu / count * 1e6:,.0f}", f"{use.memory / MEBIBYTE:,.0f}")
    table.add_row("all", f"{total:.1f}", f"{total / count * 1e6:,.0f}", "")
    return table
