"""The command line behind `./tidings`: a list of commands, and how their errors are shown.

To add a command, write a function in `deploy/commands/` and name it here. What does its work is imported by the
function itself: every command imports this file, and none should wait for the clients of servers that it does not ask.
"""

import logging
import sys

import typer
from rich.console import Console
from rich.markup import escape

from deploy.commands import bench, dead_letters, replay
from deploy.commands.archive import export, import_
from deploy.commands.audit import audit
from deploy.commands.check import check
from deploy.commands.down import down
from deploy.commands.logs import logs
from deploy.commands.rebuild import rebuild
from deploy.commands.recover import recover
from deploy.commands.redeliver import redeliver
from deploy.commands.seed import seed
from deploy.commands.status import status
from deploy.commands.test import run_tests
from deploy.commands.token import token
from deploy.commands.up import up
from deploy.commands.whatif import whatif
from deploy.commands.why import why
from deploy.stack.errors import StackError

app = typer.Typer(
    help="Tidings: event-sourced notification delivery. `up` starts everything on this machine.\n\n"
    "A command that can't do what it is for exits with 1 and says what to do; 2 is for words that it does not know.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(down)
app.command()(status)
app.command()(logs)
app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run_tests)
app.command()(check)
app.command()(seed)
app.command()(token)
app.command()(audit)
app.command()(recover)
app.command()(rebuild)
app.command()(why)
app.command()(export)
app.command("import")(import_)
app.command()(whatif)
app.command()(redeliver)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(bench.app, name="bench")
app.add_typer(replay.app, name="replay")
INTERRUPTED = 130


def main() -> None:
    """Runs a command; what a user can mend is shown without a traceback."""
    logging.getLogger().addHandler(logging.NullHandler())  # errors are told by us, not by the libraries
    try:
        app(prog_name="./tidings")
    except StackError as error:
        Console(stderr=True).print("[red]✗[/red]", escape(str(error)), highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
