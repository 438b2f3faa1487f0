"""`bench`: how much a stack of its own takes, delivers, and what that costs; on this machine, with all on it."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.bench import backlog, isolation, load
from deploy.bench.fresh import fresh_stack
from deploy.bench.load import Answers
from deploy.bench.measure import Stories, behind, busy, caught_up, follow, usage
from deploy.bench.steady import steady
from deploy.bench.tables import costs, held, rates
from streams.settings import Settings

app = typer.Typer(help="Measure a fresh stack: rates, latencies, CPU and memory of each process.", no_args_is_help=True)
Count = Annotated[int, typer.Option(min=1, help="How many notifications.")]
Events = Annotated[int, typer.Option("--count", min=1, help="How many events the log has.")]
Connections = Annotated[int, typer.Option(min=1, help="HTTP connections.")]
Rate = Annotated[float, typer.Option(min=1, help="A second; 833 are 50,000 a minute.")]


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of the load; `seconds` until all had ended. `behind` as in `tables.held`, if the load was paced."""

    stories: Stories
    seconds: float
    answers: Answers | None = None
    behind: Mapping[str, int] = field(default_factory=dict)


@app.command()
def ingest(count: Count = 20_000, connections: Connections = 64) -> None:
    """POSTs, as fast as they are answered."""
    _measure(lambda settings: _posted(settings, count, connections, None), count)


@app.command()
def deliver(count: Count = 20_000) -> None:
    """A backlog in RabbitMQ, worked off as fast as it goes."""

    async def published(settings: Settings) -> Measured:
        began = time.perf_counter()
        await load.publish(settings.rabbitmq_url, count)
        return Measured(await follow(settings.kafka_url, count), time.perf_counter() - began)

    _measure(published, count)


@app.command("end-to-end")
def end_to_end(count: Count = 50_000, rate: Rate = 833, connections: Connections = 64) -> None:
    """POSTs at a set rate: whether delivery keeps up while they come, and how long each takes until it is sent."""
    _measure(lambda settings: _posted(settings, count, connections, rate), count)


@app.command("backlog")
def pile_up(
    count: Count = 20_000,
    size: Annotated[int, typer.Option(min=0, help="Bytes of text more in each request.")] = 0,
) -> None:
    """Memory while the provider is down and notifications pile up, and until all are delivered."""
    with tempfile.TemporaryDirectory(prefix="tidings-outage-") as folder:
        outage = Path(folder, "outage")
        outage.touch()
        os.environ["MOCK_OUTAGE"] = str(outage)
        with fresh_stack() as (stack, settings):
            peaks, told = asyncio.run(backlog.run(settings, stack.supervision, outage.unlink, count, size))
    Console().print(backlog.table(peaks), told)


@app.command("isolation")
def isolate(
    waiting: Annotated[int, typer.Option("--backlog", min=0, help="Promotional ones that wait.")] = 200_000,
    flood: Annotated[int, typer.Option(min=0, help="Promotional ones that pour in after that.")] = 20_000,
    rate: Annotated[float, typer.Option(min=1, help="Transactional ones a second.")] = 100,
    seconds: Annotated[float, typer.Option(min=1, help="How long each round takes.")] = 60,
) -> None:
    """How long transactional ones take alone, beside a promotional backlog, and in a flood.

    Without failures, which would hide all else behind the waits of their retries, unless the environment wants some.
    """
    asked = isolation.Load(waiting, flood, rate, seconds)
    with tempfile.TemporaryDirectory(prefix="tidings-outage-") as folder:
        outage = Path(folder, "outage")
        os.environ["MOCK_OUTAGE"] = str(outage)
        os.environ.setdefault("SLOTS_PER_LANE", isolation.SLOTS)
        os.environ.setdefault("MOCK_FAILURE_RATE", "0")
        with fresh_stack() as (_, settings):
            phases = asyncio.run(isolation.run(settings, asked, outage.touch, outage.unlink))
    Console().print(isolation.table(phases, asked, settings))


@app.command("sockets")
def connect(
    sockets: Annotated[int, typer.Option(min=1, help="How many users, each with a socket.")] = 1_000,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second, to random users.")] = 1_000,
) -> None:
    """Memory and CPU of a gateway with many sockets, publish-to-receive times, a reconnect storm."""
    from deploy.bench import sockets as bench  # noqa: PLC0415 - it needs the mailbox, which others need not wait for

    bench.allow(sockets)
    with fresh_stack() as (stack, settings):
        measured = bench.Bench(settings, stack.supervision, sockets, rate)
        try:
            asyncio.run(measured.run())
        finally:
            Console().print(measured.table)


@app.command()
def audit(events: Events = 200_000) -> None:
    """Events a second of an audit."""
    from deploy.bench import audits  # noqa: PLC0415 - it needs the processors, which others need not wait for

    with fresh_stack(processes=False) as (_, settings):
        Console().print(audits.measure_audit(settings, events, Console(stderr=True)))


@app.command()
def recovery(events: Events = 200_000) -> None:
    """How long lifecycle takes to start again, and to be made anew from the log."""
    from deploy.bench import audits  # noqa: PLC0415 - it needs the processors, which others need not wait for

    with fresh_stack(processes=False) as (stack, settings):
        Console().print(audits.measure_recovery(settings, stack, events))


@app.command()
def rebuild(events: Events = 200_000) -> None:
    """Events a second of a rebuild: the fold alone, and with the database."""
    from deploy.bench import rebuilds  # noqa: PLC0415 - it needs the processors, which others need not wait for

    with fresh_stack(processes=False) as (stack, settings):
        Console().print(rebuilds.measure_rebuild(settings, stack, events))


def _measure(run: Callable[[Settings], Coroutine[None, None, Measured]], count: int) -> None:
    console = Console()
    with fresh_stack() as (stack, settings):
        before, machine = usage(stack.supervision.states()), busy()
        measured = asyncio.run(_worked_off(run, settings))
        after, machine = usage(stack.supervision.states()), busy() - machine
    if measured.answers is not None:
        console.print(held(steady(measured.stories), measured.behind))
    console.print(rates(measured.answers, measured.stories, measured.seconds))
    console.print(costs(before, after, count, machine))


async def _worked_off(run: Callable[[Settings], Coroutine[None, None, Measured]], settings: Settings) -> Measured:
    measured = await run(settings)
    await caught_up(settings.kafka_url, settings.partitions)
    return measured


async def _posted(settings: Settings, count: int, connections: int, rate: float | None) -> Measured:
    url, began = f"http://{settings.host}:{settings.port}/api/notifications", time.perf_counter()
    answers = await load.post(url, count, connections, rate)
    left = await behind(settings.kafka_url, settings.partitions)
    stories = await follow(settings.kafka_url, len(answers.seconds))
    return Measured(stories, time.perf_counter() - began, answers, left)
