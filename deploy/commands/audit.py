"""`audit`: proves from the log that nothing was lost or doubled, and that the read models say what it says."""

import asyncio
import json as json_
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from deploy.stack.environment import running_settings
from deploy.stack.errors import StackError
from deploy.watching import watched
from streams.settings import Settings

if TYPE_CHECKING:
    from projections.audit.audit import Options
    from projections.audit.report import Report

UNREACHABLE = 2
"""Exit code: a server can't be asked, so nothing is known."""


def audit(
    *,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    tolerance: Annotated[float, typer.Option(help="Seconds by which a timer or deadline may be late.")] = 30.0,
    read_models: Annotated[bool, typer.Option(help="Compare NotificationJob and NotificationLog, too.")] = True,
    limit: Annotated[int, typer.Option(help="How many findings of a kind are shown; all are counted.")] = 100,
) -> None:
    """Fold the log again and hold all the rest against it. Exits with 1 if anything is off, and with its ids."""
    # Here, so that other commands need not wait for the servers' clients to be imported.
    from projections.audit.audit import Options  # noqa: PLC0415

    try:
        report = run(running_settings(), Options(tolerance, read_models, limit), Console(stderr=True))
    except StackError as error:
        Console(stderr=True).print("[red]✗[/red]", escape(str(error)), highlight=False, soft_wrap=True)
        raise typer.Exit(UNREACHABLE) from error
    if json:
        typer.echo(json_.dumps(report.to_json(), indent=2))
    else:
        show(report, Console())
    raise typer.Exit(0 if report.clean else 1)


def run(settings: Settings, options: "Options", console: Console) -> "Report":
    """An audit with a progress bar. Raises `StackError` if a server can't be asked."""
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    from projections.audit import audit as whole  # noqa: PLC0415
    from projections.audit.bounds import NoLog  # noqa: PLC0415
    from projections.store import Unavailable  # noqa: PLC0415

    try:
        with watched(console) as watcher:
            return asyncio.run(whole.audit(settings, options, watcher))
    except (NoLog, Unavailable, KafkaError, OSError) as error:
        raise StackError(f"the audit can't ask a server ({error or error!r}): is the stack up?") from error


def show(report: "Report", console: Console) -> None:
    """Counts, digests, and what was found."""
    table = Table("", Column(overflow="fold"), title="audit", show_header=False)
    for name, value in report.counts.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    for name, digest in report.digests.items():
        table.add_row(f"digest of {name}", digest)
    table.add_row("took", f"{report.seconds:.1f} s, {report.events_per_second:,.0f} events/s of the log")
    table.add_row("peak memory", f"{report.memory / 2**20:,.0f} MiB")
    console.print(table)
    if report.clean:
        console.print("[green]✓[/green] clean: nothing lost, nothing doubled in silence, nothing stuck")
        return
    found = Table(
        "kind", Column("id", overflow="fold"), "detail", title=f"{sum(report.findings.counts.values()):,} findings"
    )
    for finding in report.findings:
        found.add_row(*map(escape, finding))
    console.print(found)
    for kind, count in report.findings.counts.items():
        console.print(f"[red]✗[/red] {kind}: {count:,}")
