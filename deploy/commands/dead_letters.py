"""`dead-letters`: what could not be handled, listed, shown, put back where it came from, or given up."""

from datetime import datetime
from typing import Annotated

import typer

from deploy.commands.options import By, Json, Why, Yes, time_option
from projections.letters.letters import State
from streams.clock import EPOCH
from streams.letters.dead_letters import Reason

RATE = 100.0
"""Letters a second."""

app = typer.Typer(no_args_is_help=True, help="What could not be handled: list, show, redrive or drop it.")

ByReason = Annotated[Reason | None, typer.Option(help="Only those with this reason.")]
ByStage = Annotated[str | None, typer.Option(help="Only what this stage gave up, e.g. lifecycle.")]
BySource = Annotated[str | None, typer.Option(help="Only from this topic or queue.")]
ByState = Annotated[State | None, typer.Option(help="Only those in this state.")]
Since = Annotated[datetime | None, time_option("Written then or later", "--from", "--since")]
Until = Annotated[datetime | None, time_option("Written before then", "--to", "--until")]
Ids = Annotated[
    list[str] | None, typer.Option("--id", metavar="ID", help="This one, whatever the other filters; may be repeated.")
]
Limit = Annotated[int | None, typer.Option(help="No more than the newest so many.", min=1)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Rate = Annotated[float, typer.Option(min=0.1, help="Letters a second, at most.")]


@app.command("list")
def list_letters(  # noqa: PLR0913 - the filters
    *,
    reason: ByReason = None,
    stage: ByStage = None,
    source: BySource = None,
    state: ByState = None,
    since: Since = None,
    until: Until = None,
    ids: Ids = None,
    limit: Annotated[int, typer.Option(help="No more than the newest so many.", min=1)] = 100,
    json: Json = False,
) -> None:
    """Dead letters, newest first."""
    from deploy.admin.letters import selection, work

    filters = _filters(reason, stage, source, state)
    work.list_letters(selection.Selection(filters, since or EPOCH, until, ids or (), limit), json=json)


@app.command()
def show(letter: Annotated[str, typer.Argument(metavar="ID", help="Of the letter.")]) -> None:
    """All that is known of one letter, and the original."""
    from deploy.admin.letters import work

    work.show(letter)


@app.command()
def redrive(  # noqa: PLR0913 - the filters
    *,
    reason: ByReason = None,
    stage: ByStage = None,
    source: BySource = None,
    state: ByState = None,
    since: Since = None,
    until: Until = None,
    ids: Ids = None,
    limit: Limit = None,
    again: Annotated[bool, typer.Option("--again", help="Even what was redriven before.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    why: Why = "",
    by: By = "",
    rate: Rate = RATE,
) -> None:
    """Put the originals back where they came from; what was selected is shown before it is done.

    Without --state, those that are open. Do it once the fault is mended: what fails again is a letter again. Exits with
    1 if any was left out, or failed.
    """
    from deploy.admin.letters import selection, work
    from streams.letters.redriving import Words

    filters = _filters(reason, stage, source, state or "open")
    chosen = selection.Selection(filters, since or EPOCH, until, ids or (), limit)
    words = Words(by, why)
    raise typer.Exit(work.redrive(chosen, words, rate, again=again, asked=None if dry_run else yes))


@app.command()
def drop(  # noqa: PLR0913
    *,
    why: Why,
    reason: ByReason = None,
    stage: ByStage = None,
    source: BySource = None,
    since: Since = None,
    until: Until = None,
    ids: Ids = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    rate: Rate = RATE,
) -> None:
    """Give open letters up for good; what was selected is shown before it is done.

    They stay on record. Exits with 1 if any was left out, or failed.
    """
    from deploy.admin.letters import selection, work
    from streams.letters.redriving import Words

    filters = _filters(reason, stage, source, "open")
    chosen = selection.Selection(filters, since or EPOCH, until, ids or (), limit)
    words = Words(by, why)
    raise typer.Exit(work.drop(chosen, words, rate, asked=None if dry_run else yes))


def _filters(reason: str | None, stage: str | None, source: str | None, state: str | None) -> dict[str, str]:
    given = {"reason": reason, "stage": stage, "source": source, "state": state}
    return {name: value for name, value in given.items() if value is not None}
