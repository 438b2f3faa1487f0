"""What the command `replay` does, with the servers of the running stack; all errors come out as `StackError`."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple
from uuid import uuid4

import orjson
import typer
from rich.console import Console

from deploy.admin.asking import ask
from deploy.admin.replays import shown
from deploy.admin.watching import watched
from deploy.stack.environment import running_settings
from deploy.stack.errors import StackError
from gateway.query import Wrong
from gateway.replays.bodies import Asked, order
from projections.replay import book, foreground
from projections.replay.book import WORKING, Replay, Verb
from projections.replay.following import Follower
from projections.replay.ranges import Count, count, ranges
from projections.replay.writing import Recorder
from streams.counted import counted
from streams.operations import ReplayCounted, ReplayRequested
from streams.replays import Extents, Order
from streams.settings import Settings

SOURCE = "cli"
STDOUT = "stdout"
OPTIONS = {"types": "type", "statuses": "status"}
"""Those that are not named as the API's field is."""


class Words(NamedTuple):
    """Who wants it, and why."""

    by: str
    why: str


class Preview(NamedTuple):
    """What a replay would tell."""

    order: Order
    extents: Extents
    found: Count


def start(asked: Asked, words: Words, *, confirmed: bool | None, detach: bool) -> int:
    """The exit code. `confirmed`: None to do nothing after the preview, False to ask first."""
    settings, console = running_settings(), Console(stderr=True)
    preview = ask(_preview(settings, _order(asked, settings), console))
    shown.print_preview(preview.order, preview.found, preview.extents, console)
    total = preview.found.types.total()
    if confirmed is None or not total:
        return 0
    if not confirmed:
        typer.confirm(f"replay {counted(total, 'event')}?", abort=True, err=True)
    name = uuid4().hex[:12]
    ask(_ask_for(settings, name, preview, words))
    return _see_through(settings, name, preview.order, console, detach=detach)


def say(name: str, verb: Verb, words: Words, *, detach: bool) -> int:
    """Pause, resume or cancel; what is resumed is followed. The exit code."""
    settings, console = running_settings(), Console(stderr=True)
    replay = ask(_say(settings, name, verb, words))
    if verb == "resume":
        return _see_through(settings, name, replay.order, console, detach=detach)
    shown.print_state(ask(_find(settings, name)), console)
    return 0


def list_replays(*, json: bool) -> None:
    """Print all of them, newest first."""
    replays = ask(_all(running_settings()))
    if json:
        typer.echo(_json([book.shown(replay) for replay in replays]))
    else:
        shown.print_table(replays, Console())


def show(name: str) -> None:
    """Print all that is known of one."""
    typer.echo(_json(book.shown(ask(_find(running_settings(), name)))))


def _order(asked: Asked, settings: Settings) -> Order:
    try:
        return order(asked, settings)
    except Wrong as error:
        faults = (f"--{OPTIONS.get(name, name)} {fault}" for name, fault in error.faults.items())
        raise StackError("; ".join(faults)) from error


async def _preview(settings: Settings, wanted: Order, console: Console) -> Preview:
    extents = await ranges(settings.kafka_url, wanted.selection, settings.partitions)
    with watched(console) as watcher:
        never = asyncio.Event()
        told = partial(watcher.at, "counting")
        found = await count(settings.kafka_url, wanted.selection, extents, told, never)
    assert found is not None
    return Preview(wanted, extents, found)


async def _ask_for(settings: Settings, name: str, preview: Preview, words: Words) -> None:
    """Both at once: it is worked on in the extents that were counted, so what comes is what was shown."""
    async with _recorder(settings) as recorder:
        await recorder.tell(ReplayRequested(name, preview.order), *words)
        found = preview.found
        await recorder.tell(ReplayCounted(name, preview.extents, dict(found.types), found.unreadable), *words)


def _see_through(settings: Settings, name: str, wanted: Order, console: Console, *, detach: bool) -> int:
    """Work on it here, if it goes to stdout, or follow it."""
    if wanted.into == STDOUT:
        replay = ask(_work(settings, name))
        _hush_if_nobody_reads()
    elif detach:
        replay = ask(_find(settings, name))
    else:
        console.print(f"replay {name}: Ctrl-C leaves it running", highlight=False)
        replay = ask(_follow(settings, name, console))
    shown.print_state(replay, console)
    return 1 if replay.state == "failed" else 0


async def _work(settings: Settings, name: str) -> Replay:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _recorder(settings) as recorder:
        return await foreground.work(name, settings, recorder, stop)


async def _follow(settings: Settings, name: str, console: Console) -> Replay:
    async with Follower.open(settings.kafka_url) as follower:
        with watched(console) as watcher:
            while (replay := (await follower.catch_up()).replays[name]).state in WORKING:
                watcher.at(name, replay.delivered, replay.total or None)
                await follower.more()
    return replay


async def _say(settings: Settings, name: str, verb: Verb, words: Words) -> Replay:
    replay = await _find(settings, name)
    if not book.may(replay, verb):
        raise StackError(book.refusal(replay, verb))
    async with _recorder(settings) as recorder:
        await recorder.tell(book.command(name, verb), *words)
    return replay


async def _find(settings: Settings, name: str) -> Replay:
    for replay in await _all(settings):
        if replay.id == name:
            return replay
    raise StackError(f"expected the id of a replay, got {name!r}: see ./tidings replay list")


async def _all(settings: Settings) -> list[Replay]:
    async with Follower.open(settings.kafka_url) as follower:
        return list(reversed((await follower.catch_up()).replays.values()))


@asynccontextmanager
async def _recorder(settings: Settings) -> AsyncIterator[Recorder]:
    recorder = Recorder(settings.kafka_url, SOURCE)
    try:
        yield recorder
    finally:
        await recorder.close()


def _hush_if_nobody_reads() -> None:
    """Trap: on its way out Python flushes stdout once more, and complains of a reader that is gone."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _json(told: object) -> str:
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()
