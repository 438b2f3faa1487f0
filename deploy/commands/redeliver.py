"""`redeliver`: sends once more what was sent or has failed, chosen by id or by filters, at a pace, with who and why."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from deploy.commands.options import By, Yes, time_option
from deploy.stack.errors import StackError
from streams.clock import EPOCH
from streams.events import Channel

RATE = 50.0
"""Notifications a second."""


class Status(StrEnum):
    """Of those that can be redelivered."""

    FAILED = "failed"
    SENT = "sent"


def redeliver(  # noqa: PLR0913 - the filters
    *,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Of the notifications.")] = None,
    status: Annotated[Status | None, typer.Option(help="Instead of ids: all with this status.")] = None,
    channel: Annotated[Channel | None, typer.Option("--type", help="Only of this channel.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only to this recipient, exactly.")] = None,
    begin: Annotated[datetime | None, time_option("Created then or later", "--from")] = None,
    until: Annotated[datetime | None, time_option("Created before then", "--to")] = None,
    limit: Annotated[int | None, typer.Option(help="No more than the newest so many.", min=1)] = None,
    preview: Annotated[
        bool, typer.Option("--preview", "--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    yes: Yes = False,
    rate: Annotated[float, typer.Option(help="Notifications a second, at most.", min=0.1, max=1000)] = RATE,
    why: Annotated[str, typer.Option(help="Why it is wanted; kept on record. Needed but for a preview.")] = "",
    by: By = "",
    key: Annotated[str | None, typer.Option(help="That a run which was cut short has printed: goes on there.")] = None,
) -> None:
    """Deliver notifications once more; what was selected is shown before it is done.

    Each gets new attempts as events on the log, which names who asked and why. Exits with 1 if any was left out.
    """
    from deploy.admin import redelivery
    from gateway.redelivery.bulk import Selection
    from gateway.redelivery.wishes import Words

    if bool(ids) == (status is not None):
        raise StackError("expected either ids or --status: which notifications are to be delivered once more?")
    if ids and any(given is not None for given in (channel, recipient, begin, until, limit)):
        raise StackError("expected ids alone: --type, --recipient, --from, --to and --limit go with --status")
    if not preview and not why.strip():
        raise StackError("expected --why: the log keeps who asked and why")
    chosen = None
    if status is not None:
        chosen = Selection(status.value, channel, recipient, begin or EPOCH, until, limit)
    words = Words(by, why)
    run = redelivery.Run(ids or (), chosen, words, rate, key)
    raise typer.Exit(redelivery.redeliver(run, asked=None if preview else yes))
