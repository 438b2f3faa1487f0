"""`replay`: tells events of the log again, to a handler that the user names; nothing is sent by it."""

from datetime import datetime
from typing import Annotated, get_args

import typer

from deploy.commands.options import By, Json, Why, Yes, time_option
from projections.replay.targets import EXPECTED
from streams.replays import TYPES
from streams.rules.phase import Status

RATE = 1000.0
"""Events a second."""

app = typer.Typer(no_args_is_help=True, help="Tell events of the log again, to a handler of yours. Nothing is sent.")

Name = Annotated[str, typer.Argument(metavar="ID", help="Of the replay.")]
Detach = Annotated[bool, typer.Option("--detach", help="Don't wait for its end.")]


@app.command()
def start(  # noqa: PLR0913 - the filters
    *,
    into: Annotated[str, typer.Option(help=f"One of: {EXPECTED}.")],
    since: Annotated[datetime | None, time_option("Happened then or later", "--from")] = None,
    until: Annotated[datetime | None, time_option("Happened before then", "--to")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only of what went to this recipient, exactly.")] = None,
    notification: Annotated[str | None, typer.Option(metavar="ID", help="Only of this one.")] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help=f"Of: {', '.join(TYPES)}; may be repeated.")] = None,
    statuses: Annotated[
        list[str] | None,
        typer.Option("--status", help=f"Events that give one of: {', '.join(get_args(Status))}; may be repeated."),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, help="Events a second, at most.")] = RATE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and do nothing.")] = False,
    yes: Yes = False,
    detach: Detach = False,
    by: By = "",
    why: Why = "",
) -> None:
    """Count the events that are meant, ask, and tell them again. To stdout: here and now, as JSON lines."""
    from deploy.admin.replays import work
    from gateway.replays.bodies import Asked

    asked = Asked(into, since, until, recipient, notification, tuple(types or ()), tuple(statuses or ()), rate)
    code = work.start(asked, work.Words(by, why), confirmed=None if dry_run else yes, detach=detach)
    raise typer.Exit(code)


@app.command("list")
def list_replays(*, json: Json = False) -> None:
    """All replays, newest first."""
    from deploy.admin.replays import work

    work.list_replays(json=json)


@app.command()
def show(name: Name) -> None:
    """All that is known of one."""
    from deploy.admin.replays import work

    work.show(name)


@app.command()
def pause(name: Name, *, by: By = "", why: Why = "") -> None:
    """Have it wait where it is."""
    from deploy.admin.replays import work

    work.say(name, "pause", work.Words(by, why), detach=True)


@app.command()
def resume(name: Name, *, detach: Detach = False, by: By = "", why: Why = "") -> None:
    """Have it go on from where it was; what goes to stdout goes on here."""
    from deploy.admin.replays import work

    raise typer.Exit(work.say(name, "resume", work.Words(by, why), detach=detach))


@app.command()
def cancel(name: Name, *, by: By = "", why: Why = "") -> None:
    """End it where it is."""
    from deploy.admin.replays import work

    work.say(name, "cancel", work.Words(by, why), detach=True)
