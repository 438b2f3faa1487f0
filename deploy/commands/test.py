"""`test`: pytest at one level, or everything there is."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from deploy.commands.check import failed_checks
from deploy.stack.home import CHECKOUT

CHAOS_RESULTS = "docs/reliability/{:%Y-%m-%dT%H%M%SZ}.jsonl"
"""Where a run of the chaos level keeps its rows, by when it began."""


class Level(StrEnum):
    """What a test needs; the same words as pytest's markers."""

    ALL = "all"
    UNIT = "unit"
    INTEGRATION = "integration"
    TORTURE = "torture"
    CHAOS = "chaos"
    HISTORY = "history"


LEVEL_HELP = (
    "unit: without any server; integration: with real ones; torture: the fold under kills, takes half an hour; "
    "chaos: whole stacks under load and faults, takes 40 minutes and writes docs/reliability.md; "
    "history: rebuild, replay, as-of, export and import of a log of 200,000 events that was made under kills, takes a "
    "quarter of an hour; all: every test but torture, chaos and history, and `check`."
)


def run_tests(
    context: typer.Context, level: Annotated[Level, typer.Argument(metavar="LEVEL", help=LEVEL_HELP)] = Level.ALL
) -> None:
    """Run the tests; further arguments go to pytest."""
    failed = failed_checks() if level is Level.ALL else []
    marked = [] if level is Level.ALL else ["-m", level.value]
    if level is Level.UNIT:
        marked += ["-n", "logical", "--dist", "worksteal"]  # a process a core, unless a debugger is asked for
        marked += ["-p", "no:schemathesis"]  # a second of imports, for tests that need a server
    more = {"CHAOS_RESULTS": CHAOS_RESULTS.format(datetime.now(UTC))} if level is Level.CHAOS else {}
    code = _run("pytest", *marked, *context.args, **more)
    if level is Level.CHAOS:
        code = _run("tests.chaos.page") or code
    if failed:
        Console(stderr=True).print(f"[red]✗ failed before the tests: {', '.join(failed)}[/red]")
    raise typer.Exit(code or bool(failed))


def _run(module: str, *arguments: str, **environment: str) -> int:
    """Its exit code. Ctrl-C and SIGTERM are left to it: it has to stop the servers that it has started."""
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to both. Not ignored: that is inherited
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=CHECKOUT,
        env={**environment, **os.environ},
        stdin=subprocess.DEVNULL,
    ) as running:
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        return running.wait()
