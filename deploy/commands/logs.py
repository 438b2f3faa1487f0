"""`logs`: what a program has written."""

import os
from typing import Annotated

import typer

from deploy.stack.environment import read_settings
from deploy.stack.errors import StackError
from deploy.stack.home import Home


def logs(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One that `status` shows, or supervisord.")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
) -> None:
    """Show the log of a server or process."""
    home = Home(read_settings().tidings_home)
    log = home.log(name)
    if not log.exists():
        there = ", ".join(sorted(path.stem for path in log.parent.glob("*.log"))) or "none yet"
        raise StackError(f"expected the name of a log in {log.parent} ({there}), got {name!r}")
    follows = ["--follow=name", "--retry"] if follow else []
    os.execvp("tail", ["tail", f"--lines={lines}", *follows, str(log)])  # noqa: S606 - no shell is wanted
