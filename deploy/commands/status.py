"""`status`: what runs, as a table or as JSON."""

import typer
from rich.console import Console

from deploy.commands.options import Json
from deploy.stack.environment import read_settings
from deploy.stack.home import Home
from deploy.stack.show import as_json, print_status
from deploy.stack.supervision import Supervision

NOT_RUNNING = 3
"""The exit code that init scripts use."""


def status(*, json: Json = False) -> None:
    """Show each server and process: state, health, pid, ports, restarts. Exits with 3 if the stack is not running."""
    home = Home(read_settings().tidings_home)
    supervision = Supervision(home)
    running = supervision.pid() is not None
    if json:
        typer.echo(as_json(home, supervision))
    elif running:
        print_status(home, supervision, Console())
    else:
        typer.echo(f"Nothing runs in {home.root}. Start it: ./tidings up")
    raise typer.Exit(0 if running else NOT_RUNNING)
