"""`test`: pytest at one level, or everything there is."""

import subprocess
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from deploy.commands.check import failed_checks
from deploy.stack.home import CHECKOUT


class Level(StrEnum):
    """What a test needs; the same words as pytest's markers."""

    ALL = "all"
    UNIT = "unit"
    INTEGRATION = "integration"
    TORTURE = "torture"


LEVEL_HELP = (
    "unit: without any server; integration: with real ones; torture: the fold under kills, takes half an hour; "
    "all: every test but torture, and `check`."
)


def run_tests(context: typer.Context, level: Annotated[Level, typer.Argument(help=LEVEL_HELP)] = Level.ALL) -> None:
    """Run the tests; further arguments go to pytest."""
    failed = failed_checks() if level is Level.ALL else []
    marked = [] if level is Level.ALL else ["-m", level.value]
    command = [sys.executable, "-m", "pytest", *marked, *context.args]
    code = subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, check=False).returncode
    if failed:
        Console(stderr=True).print(f"[red]✗ failed before the tests: {', '.join(failed)}[/red]")
    raise typer.Exit(code or bool(failed))
