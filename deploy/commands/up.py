"""`up`: from whatever there is to a stack that serves; in the foreground until Ctrl-C, or detached."""

import signal
from typing import Annotated

import typer


def up(
    *, detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it is up; `down` stops it.")] = False
) -> None:
    """Start the servers and all processes; Ctrl-C stops them."""
    from deploy.stack.staying import bring_up

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    bring_up(detach=detach)
