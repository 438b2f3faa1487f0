"""What the command `redeliver` does, with the servers of the running stack; all errors come out as `StackError`."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

import typer
from rich.console import Console
from rich.markup import escape

from deploy.admin.asking import PATIENCE, ask, read_models
from deploy.admin.watching import Watcher, watched
from deploy.stack.environment import running_settings
from deploy.stack.errors import StackError
from gateway.redelivery.asking import Asked, Asking
from gateway.redelivery.bulk import SHOWN, Found, Order, Selection, carry_out, find
from gateway.redelivery.wishes import Refusal, Words, obstacle
from projections.present.reads import Reads
from streams.counted import counted
from streams.kafka.publisher import Publisher
from streams.kafka.waiting import reachable
from streams.settings import Settings

KEY = 12
"""Hexadecimal digits."""


class Run(NamedTuple):
    """What is asked for: `ids`, or else what `selection` leaves. `key`: that of an earlier run to go on with."""

    ids: Sequence[str]
    selection: Selection | None
    words: Words
    rate: float
    key: str | None


def redeliver(run: Run, *, asked: bool | None) -> int:
    """The exit code. `asked`: None to do nothing after the preview, False to ask first."""
    settings, console = running_settings(), Console()
    found, refused = ask(_found(settings, run))
    _print_found(found, refused, console)
    if asked is None or not found.names:
        return 1 if refused else 0
    if not asked:
        typer.confirm(f"deliver {counted(len(found.names), 'notification')} once more?", abort=True)
    key = run.key or uuid4().hex[:KEY]
    what = str(run.selection or f"{len(run.ids)} by id")
    order = Order(key, found.names, what, run.rate, run.words)
    console.print(f"If this is cut short, go on with --key {key}", highlight=False)
    with watched(console) as watcher:
        total = ask(_carry_out(settings, order, watcher))
    _print_total(total, console)
    return 1 if refused or total.refused else 0


async def _found(settings: Settings, run: Run) -> tuple[Found, Mapping[str, Refusal]]:
    async with read_models(settings) as base:
        reads = Reads(base)
        if run.selection is not None:
            return await find(reads, run.selection), {}
        return await _by_id(reads, run.ids)


async def _by_id(reads: Reads, ids: Sequence[str]) -> tuple[Found, Mapping[str, Refusal]]:
    stored = await reads.several(ids)
    refused: dict[str, Refusal] = {}
    for name in dict.fromkeys(ids):
        if name not in stored:
            raise StackError(f"expected the id of a notification, got {name!r}: GET /api/notifications lists them")
        if (refusal := obstacle(stored[name])) is not None:
            refused[name] = refusal
    names = [name for name in dict.fromkeys(ids) if name not in refused]
    return Found(names, Counter(stored[name]["type"] for name in names)), refused


async def _carry_out(settings: Settings, order: Order, watcher: Watcher) -> Asked:
    watcher.begin("asking", len(order.names))

    def told(asked: Asked) -> None:
        watcher.more(len(asked.written) + len(asked.again) + len(asked.refused))

    async with read_models(settings) as base:
        async with asyncio.timeout(PATIENCE):
            await reachable(settings.kafka_url)
        async with Publisher(settings.kafka_url) as publisher:
            return await carry_out(Asking(settings, Reads(base), publisher), order, told)


def _print_found(found: Found, refused: Mapping[str, Refusal], console: Console) -> None:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.types.most_common())
    console.print(f"to deliver once more: {len(found.names):,}" + (f" ({kinds})" if kinds else ""), highlight=False)
    for name in found.names[:SHOWN]:
        console.print(f"  {escape(name)}", highlight=False, soft_wrap=True)
    if len(found.names) > SHOWN:
        console.print(f"  ... and {len(found.names) - SHOWN:,} more", highlight=False)
    _print_refused(refused, console)


def _print_total(total: Asked, console: Console) -> None:
    again = f", {len(total.again):,} were asked for before" if total.again else ""
    console.print(f"asked for {len(total.written):,}{again}; see what became of each in its log", highlight=False)
    _print_refused(total.refused, console)


def _print_refused(refused: Mapping[str, Refusal], console: Console) -> None:
    for name, refusal in list(refused.items())[:SHOWN]:
        console.print(f"  [red]left out[/] {escape(name)}: {escape(refusal.text)}", highlight=False, soft_wrap=True)
    if len(refused) > SHOWN:
        console.print(f"  ... and {len(refused) - SHOWN:,} more left out", highlight=False)
