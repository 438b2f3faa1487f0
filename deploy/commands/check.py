"""`check`: everything that is looked at without running the code."""

import subprocess
import sys
from pathlib import Path

import typer
from rich.console import Console

from deploy.stack.home import CHECKOUT

PACKAGES = ("streams", "api", "projections", "gateway", "deploy", "tests")
CHECKS = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy": ("mypy", *PACKAGES),
    "import-linter": ("lint-imports", "--no-cache"),
    "codespell": ("codespell",),
}


def check() -> None:
    """Run ruff, mypy, import-linter and codespell; tell which failed."""
    if failed_checks():
        raise typer.Exit(1)


def failed_checks() -> list[str]:
    """Runs every check, shows what the failing ones say, and returns their names."""
    console = Console(stderr=True)
    failed = []
    for name, (program, *arguments) in CHECKS.items():
        done = subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            cwd=CHECKOUT,
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
