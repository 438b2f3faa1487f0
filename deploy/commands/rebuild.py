"""`rebuild`: a read model made again from the log beside the one that is read, and readers taken over to it."""

from typing import Annotated

import typer
from rich.console import Console

from deploy.commands.options import By, Why, Yes
from deploy.stack.environment import read_settings, running_settings
from deploy.stack.errors import StackError
from projections.models import READ_MODELS

ALL = "all"
ADDED = "docs/how-to/add-a-projection.md"
NAMES = f"{', '.join(READ_MODELS)} or {ALL}"


def named(text: str) -> str:
    """A read model of the program, or all. Raises typer's `BadParameter`."""
    if text in (*READ_MODELS, ALL):
        return text
    added = read_settings().read_models
    elsewhere = f". Those of READ_MODELS ({', '.join(added)}) are made again by a higher VERSION: {ADDED}"
    raise typer.BadParameter(f"expected {NAMES}, got {text!r}{elsewhere if added else ''}")


def rebuild(  # noqa: PLR0913 - what can be said
    name: Annotated[str, typer.Argument(parser=named, metavar="NAME", help=f"Which read model: {NAMES}.")],
    *,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the copy that was read before.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Delete the copy that is not read, for good.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Show which copies there are; change nothing.")] = False,
    cut_over: Annotated[bool, typer.Option(help="Take readers over; else the copy is made and compared only.")] = True,
    accept_differences: Annotated[
        bool, typer.Option("--accept-differences", help="Go over to a copy that differs, with that on record.")
    ] = False,
    lag: Annotated[int, typer.Option(help="Events that a copy may be behind when readers go over.", min=0)] = 1000,
    show: Annotated[int, typer.Option(help="How many differing documents are shown.", min=0)] = 5,
    why: Why = "",
    by: By = "",
    yes: Yes = False,
) -> None:
    """Fold the log from its start into a copy while the live one serves, compare both, and take readers over.

    Killed, it goes on where it was. The copy that was read is kept, and kept up, until it is dropped. Exits with 1 if
    readers stay where they are since the copies differ, or since the new one does not catch up.
    """
    from deploy.admin.rebuilding import Shown, Wish, work
    from projections.rebuild.desk import Words
    from projections.rebuild.rebuild import Options

    if rollback + drop + status > 1:
        raise StackError("--rollback, --drop and --status are things of their own: one after the other")
    settings, words = running_settings(), Words(by, why)
    names = list(READ_MODELS) if name == ALL else [name]
    wish = Wish.ROLLBACK if rollback else Wish.DROP if drop else Wish.STATUS if status else Wish.REBUILD
    shown = Shown(settings, Console(), asks=not yes, cuts_over=cut_over)
    options = Options(bound=lag, shown=show, accept_differences=accept_differences)
    raise typer.Exit(work(settings, wish, names, words, options, shown))
