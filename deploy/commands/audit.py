"""`audit`: proves from the log that nothing was lost or doubled, and that the read models say what it says."""

import json as json_
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from deploy.admin.watching import watched
from deploy.commands.options import Json
from deploy.stack.environment import running_settings
from deploy.stack.errors import StackError
from streams.counted import counted
from streams.settings import Settings

if TYPE_CHECKING:
    from projections.audit.audit import Options
    from projections.audit.finding import Finding
    from projections.audit.report import Report

UNREACHABLE = 2
"""Exit code: a server can't be asked, so nothing is known."""


def audit(
    *,
    json: Json = False,
    tolerance: Annotated[float, typer.Option(min=0, help="Seconds by which a timer or deadline may be late.")] = 30.0,
    read_models: Annotated[bool, typer.Option(help="Hold MongoDB against the log as well.")] = True,
    limit: Annotated[int, typer.Option(min=0, help="How many findings of a kind are shown; all are counted.")] = 100,
) -> None:
    """Fold the log again and hold all the rest against it, which changes nothing.

    Exits with 1 if anything is off, which is told with its ids, and with 2 if a server can't be asked.
    """
    from projections.audit.audit import Options

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
    from deploy.admin.asking import ask
    from projections.audit import audit as whole
    from projections.audit.bounds import NoLog

    with watched(console) as watcher:
        return ask(whole.audit(settings, options, watcher), NoLog)


def show(report: "Report", console: Console) -> None:
    """Counts, digests, and what was found."""
    table = Table("", Column(overflow="fold"), title="audit", show_header=False)
    for name, value in _rows(report.counts):
        table.add_row(name, value)
    for name, digest in report.digests.items():
        table.add_row(f"digest of {name}", digest)
    table.add_row("took", f"{report.seconds:.1f} s, {report.events_per_second:,.0f} events/s of the log")
    table.add_row("peak memory", f"{report.memory / 2**20:,.0f} MiB")
    console.print(table)
    if report.clean:
        console.print("[green]✓[/green] clean: nothing lost, nothing doubled in silence, nothing stuck")
        return
    total = counted(report.findings.counts.total(), "finding")
    found = Table("kind", Column("id", overflow="fold"), "detail", title=total, show_lines=True)
    for finding in report.findings:
        found.add_row(finding.kind, Text(finding.id), _detail(finding))
    console.print(found)
    for kind, count in report.findings.counts.items():
        console.print(f"[red]✗[/red] {kind}: {count:,}")


def _rows(counts: Mapping[str, Any], indent: str = "") -> Iterator[tuple[str, str]]:
    """What is counted by something stands below its name."""
    for name, value in counts.items():
        if isinstance(value, dict):
            yield f"{indent}{name}", "" if value else "none"
            yield from _rows(value, f"{indent}  ")
        else:
            yield f"{indent}{name}", "not known" if value is None else f"{value:,}"


def _detail(finding: "Finding") -> RenderableType:
    """With the fields that differ, if it is about a document that was looked at closely."""
    from projections.rebuild.record import told

    if not finding.fields:
        return Text(finding.detail)
    folded = (Column(name, overflow="fold") for name in ("field", "stored", "the log says"))
    table = Table(*folded, box=None, pad_edge=False)
    for field in finding.fields:
        table.add_row(*map(escape, (field.name, told(field.stored), told(field.expected))))
    return Group(Text(finding.detail), table)
