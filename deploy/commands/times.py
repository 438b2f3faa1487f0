"""Times as every command takes them: also as the API and the log write them."""

from datetime import UTC, datetime
from typing import Any

import typer


def instant(text: str) -> datetime:
    """A time in ISO 8601, in UTC unless it says otherwise. Raises typer's `BadParameter`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"expected a time in ISO 8601 such as 2026-01-31T12:00:00Z, got {text!r}") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def time_option(name: str, what: str) -> Any:  # noqa: ANN401 - as typer's own
    """An option for a time."""
    return typer.Option(name, parser=instant, metavar="TIME", help=f"{what} (ISO 8601, in UTC unless it says).")
