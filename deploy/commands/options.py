"""Options that several commands have, in the same words everywhere; times also as the API and the log write them."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer


def instant(text: str) -> datetime:
    """A time in ISO 8601, in UTC unless it says otherwise. Raises typer's `BadParameter`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"expected a time in ISO 8601 such as 2026-01-31T12:00:00Z, got {text!r}") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def time_option(what: str, *names: str) -> Any:  # noqa: ANN401 - as typer's own
    """An option for a time."""
    return typer.Option(*names, parser=instant, metavar="TIME", help=f"{what} (ISO 8601, in UTC unless it says).")


def asker(by: str) -> str:
    """Who runs the command, if nobody is named."""
    return by or getpass.getuser()


By = Annotated[str, typer.Option(callback=asker, show_default=False, help="Who wants it; by default you.")]
Why = Annotated[str, typer.Option(show_default=False, help="Why it is wanted; kept on record.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
