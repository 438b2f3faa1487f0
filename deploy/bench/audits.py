"""How fast a long log is audited, and how soon lifecycle works again after its table was lost."""

import asyncio
import time

from rich.console import Console
from rich.table import Column, Table

from deploy.admin.asking import ask
from deploy.admin.watching import watched
from deploy.bench import history
from deploy.bench.measure import MEBIBYTE, own_cpu
from deploy.declare import declare
from deploy.stack.errors import StackError
from deploy.stack.stack import Stack
from projections.audit.audit import Options, audit
from streams.recovery.rebuild import rebuild
from streams.settings import Settings


def measure_audit(settings: Settings, events: int, console: Console) -> Table:
    """A history of so many events, audited without read models: no process has made any."""
    made, making = _write(settings, events)
    before = own_cpu()
    with watched(console) as watcher:
        report = ask(audit(settings, Options(read_models=False), watcher))
    if not report.clean:
        raise StackError(f"expected a clean audit, found {dict(report.findings.counts)}")
    table = _table(f"audit of {made:,} events", made, making)
    table.add_row("audited", f"in {report.seconds:.1f} s, {report.events_per_second:,.0f} events/s of the log")
    cpu = own_cpu() - before
    table.add_row("CPU", f"{cpu:.1f} s in all its processes, {cpu / made * 1e6:.0f} us an event")
    table.add_row("peak memory", f"{report.memory / MEBIBYTE:,.0f} MiB, all its processes together")
    for name, digest in report.digests.items():
        table.add_row(f"digest of {name}", digest)
    return table


def measure_recovery(settings: Settings, stack: Stack, events: int) -> Table:
    """Lifecycle has worked such a history off and lost its table: rebuilt from the log, and started with all others."""
    made, making = _write(settings, events)
    began = time.perf_counter()
    done = asyncio.run(rebuild(settings, "lifecycle", lambda _read, _of: None))
    rebuilding = time.perf_counter() - began
    began = time.perf_counter()
    stack.start_processes(settings)
    table = _table(f"recovery of lifecycle from {made:,} events", made, making)
    table.add_row("rebuilt", f"in {rebuilding:.1f} s, {made / rebuilding:,.0f} events/s; {done.rows:,} rows")
    table.add_row("all processes up", f"in {time.perf_counter() - began:.1f} s")
    return table


def _write(settings: Settings, events: int) -> tuple[int, float]:
    """How many were made, and in how many seconds."""
    asyncio.run(declare(settings))
    began = time.perf_counter()
    made = asyncio.run(history.write(settings, events, lambda _: None))
    return made, time.perf_counter() - began


def _table(title: str, made: int, making: float) -> Table:
    table = Table("", Column(overflow="fold"), title=title, show_header=False)
    table.add_row("generated", f"in {making:.1f} s, {made / making:,.0f} events/s")
    return table
