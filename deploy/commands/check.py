"""`check`: everything that is looked at without running the code."""

import subprocess
import sys
from pathlib import Path

import typer
from rich.console import Console

from deploy import dashboard
from deploy.stack.home import CHECKOUT
from deploy.stack.report import Report

PACKAGES = ("streams", "api", "projections", "gateway", "deploy", "tests")
CHECKS = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy": ("mypy", *PACKAGES),
    "import-linter": ("lint-imports", "--no-cache"),
    "codespell": ("codespell",),
}

DASHBOARD_CHECKS = {"tsc": ("--noEmit",), "biome": ("check",)}
"""Of the dashboard, by the tools that npm installs."""


def check() -> None:
    """Run ruff, mypy, import-linter and codespell, for the dashboard tsc and biome; tell which failed."""
    if failed_checks():
        raise typer.Exit(1)


def failed_checks() -> list[str]:
    """Runs every check, shows what the failing ones say, and returns their names."""
    console = Console(stderr=True)
    here = Path(sys.executable).parent
    commands = {name: (CHECKOUT, (str(here / program), *more)) for name, (program, *more) in CHECKS.items()}
    tools = dashboard.installed(Report(console), dashboard.CHECKED)
    commands |= {name: (dashboard.SOURCES, (str(tools / name), *more)) for name, more in DASHBOARD_CHECKS.items()}
    failed = []
    for name, (folder, command) in commands.items():
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        console.print(f"[green]✓[/green] {name}" if done.returncode == 0 else f"[red]✗ {name}[/red]")
        if done.returncode != 0:
            failed.append(name)
            console.print(done.stdout, markup=False, highlight=False, soft_wrap=True)
    return failed
