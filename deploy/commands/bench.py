"""`bench`: how much a stack of its own takes, delivers, and what that costs; on this machine, with all on it."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Measure a fresh stack: rates, latencies, CPU and memory of each process.", no_args_is_help=True)
Count = Annotated[int, typer.Option(min=1, help="How many notifications.")]
Events = Annotated[int, typer.Option("--count", min=1, help="How many events the log has.")]
Connections = Annotated[int, typer.Option(min=1, help="HTTP connections.")]
Rate = Annotated[float, typer.Option(min=1, help="Notifications a second; 833 are 50,000 a minute.")]


@app.command()
def ingest(count: Count = 20_000, connections: Connections = 64) -> None:
    """POSTs, as fast as they are answered."""
    from deploy.bench import loads

    loads.posts(count, connections, None)


@app.command()
def deliver(count: Count = 20_000) -> None:
    """A backlog in RabbitMQ, worked off as fast as it goes."""
    from deploy.bench import loads

    loads.messages(count)


@app.command("end-to-end")
def end_to_end(count: Count = 50_000, rate: Rate = 833, connections: Connections = 64) -> None:
    """POSTs at a set rate: whether delivery keeps up while they come, and how long each takes until it is sent."""
    from deploy.bench import loads

    loads.posts(count, connections, rate)


@app.command("backlog")
def pile_up(
    count: Count = 20_000,
    size: Annotated[int, typer.Option(min=0, help="More bytes of text in each request.")] = 0,
) -> None:
    """Memory while the provider is down and notifications pile up, and until all are delivered."""
    from deploy.bench import outages

    outages.pile_up(count, size)


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
    from deploy.bench import outages
    from deploy.bench.isolation import Load

    outages.isolate(Load(waiting, flood, rate, seconds))


@app.command("sockets")
def connect(
    sockets: Annotated[int, typer.Option(min=1, help="How many users, each with a socket.")] = 1_000,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second, to random users.")] = 1_000,
) -> None:
    """Memory and CPU of a gateway with many sockets, publish-to-receive times, a reconnect storm."""
    from deploy.bench import sockets as bench
    from deploy.bench.fresh import fresh_stack

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
    from deploy.bench import audits
    from deploy.bench.fresh import fresh_stack

    with fresh_stack(processes=False) as (_, settings):
        Console().print(audits.measure_audit(settings, events, Console(stderr=True)))


@app.command()
def recovery(events: Events = 200_000) -> None:
    """How long lifecycle takes to start again, and to be made anew from the log."""
    from deploy.bench import audits
    from deploy.bench.fresh import fresh_stack

    with fresh_stack(processes=False) as (stack, settings):
        Console().print(audits.measure_recovery(settings, stack, events))


@app.command()
def rebuild(events: Events = 200_000) -> None:
    """Events a second of a rebuild: the fold alone, and with the database."""
    from deploy.bench import rebuilds
    from deploy.bench.fresh import fresh_stack

    with fresh_stack(processes=False) as (stack, settings):
        Console().print(rebuilds.measure_rebuild(settings, stack, events))
