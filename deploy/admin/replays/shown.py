"""Replays for people: previews and tables."""

from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from projections.replay.book import Replay
from projections.replay.ranges import Count
from streams.clock import iso
from streams.counted import counted
from streams.replays import Extents, Order


def print_preview(order: Order, found: Count, extents: Extents, console: Console) -> None:
    """What would be told, and how long that takes."""
    table = Table("type", "events", title=f"to {escape(order.into)}", title_justify="left", box=None, pad_edge=False)
    for kind, count in found.types.most_common():
        table.add_row(kind, f"{count:,}")
    console.print(table if found.types else "No event of the log is meant.")
    read, total = sum(end - first for first, end in extents.values()), found.types.total()
    length = timedelta(seconds=round(total / order.rate))
    console.print(
        f"{counted(total, 'event')} of {read:,} on the log: {length} at {order.rate:g} events/s", highlight=False
    )
    if found.unreadable:
        console.print(f"[yellow]no event, and left out: {counted(found.unreadable, 'record')}[/]", highlight=False)


def print_table(replays: list[Replay], console: Console) -> None:
    """One line each."""
    table = Table("created", "id", "state", "told", "of", "by", "into", box=None, header_style="bold", pad_edge=False)
    table.columns[-1].overflow = "fold"
    for one in replays:
        cells = (iso(one.created), one.id, one.state, f"{one.delivered:,}", f"{one.total:,}", one.by, one.order.into)
        table.add_row(*map(escape, cells))
    console.print(table if replays else "No replays.")


def print_state(replay: Replay, console: Console) -> None:
    """How it stands."""
    console.print(
        f"replay {replay.id} is {replay.state}: {replay.delivered:,} of {counted(replay.total, 'event')}",
        highlight=False,
    )
    if replay.state == "failed":
        console.print(f"[red]✗[/] {escape(replay.error)}", highlight=False, soft_wrap=True)
    if replay.state in ("failed", "paused"):
        console.print(f"./tidings replay resume {replay.id}", highlight=False)
