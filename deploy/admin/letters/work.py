"""What the command `dead-letters` does, with the servers of the running stack; all errors come out as `StackError`."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import typer
from rich.console import Console

from deploy.admin.asking import ask, read_models
from deploy.admin.letters import shown
from deploy.admin.letters.selection import Plan, Selection, plan_drop, plan_redrive, select
from deploy.admin.watching import watched
from deploy.stack.environment import running_settings
from deploy.stack.errors import StackError
from projections.letters.reads import LetterReads
from projections.position import Document
from streams.counted import counted
from streams.letters.dead_letters import Report
from streams.letters.redriving import AWAY, FAULTS, Desk, Order, Verb, Words, doubts, paced
from streams.said import said
from streams.settings import Settings
from streams.topics import DEAD_LETTERS


def list_letters(selection: Selection, *, json: bool) -> None:
    """Print them."""
    documents = _found(running_settings(), selection)
    if json:
        typer.echo(shown.as_json(documents))
    else:
        shown.print_table(documents, Console())


def show(letter: str) -> None:
    """Print all of one, with its original."""
    settings = running_settings()
    (document,) = _found(settings, Selection({}, ids=[letter]))
    typer.echo(shown.as_text(document))
    if document["record"]["topic"] == DEAD_LETTERS:
        typer.echo(shown.original(ask(_read(settings, document), *FAULTS).letter))


def redrive(selection: Selection, words: Words, rate: float, *, again: bool, asked: bool | None) -> int:
    """The exit code. `asked`: None to do nothing after the preview, False to ask first."""
    settings = running_settings()
    return _carry_out(settings, "redrive", plan_redrive(_found(settings, selection), again=again), words, rate, asked)


def drop(selection: Selection, words: Words, rate: float, *, asked: bool | None) -> int:
    """The exit code; as `redrive`."""
    settings = running_settings()
    return _carry_out(settings, "drop", plan_drop(_found(settings, selection)), words, rate, asked)


def _carry_out(settings: Settings, verb: Verb, plan: Plan, words: Words, rate: float, asked: bool | None) -> int:
    console = Console()
    shown.print_plan(verb, plan, console)
    if asked is None:
        return 0
    failed: dict[str, str] = {}
    if plan.orders:
        if not asked:
            typer.confirm(f"{verb} {counted(len(plan.orders), 'letter')}?", abort=True)
        failed = ask(_handle(Desk.open(settings, words), verb, plan.orders, rate, console))
        shown.print_failures(verb, failed, len(plan.orders), console)
    return 1 if failed or plan.refused else 0


async def _handle(
    opening: AbstractAsyncContextManager[Desk], verb: Verb, orders: Sequence[Order], rate: float, console: Console
) -> dict[str, str]:
    """Why some could not be handled, by id. Stops at a server that is away."""
    failed: dict[str, str] = {}
    unsure: dict[str, str] = {}
    done = 0
    with watched(console) as watcher:
        watcher.begin(verb, len(orders))
        try:
            async with opening as desk:
                unsure = desk.unsure
                async for order in paced(orders, rate):
                    if fault := await desk.handle(verb, order):
                        failed[order.letter] = fault
                    done += 1
                    watcher.done(done)
        except AWAY as error:
            raise StackError(
                f"stopped after {done:,} of {counted(len(orders), 'letter')}: {said(error)}.{doubts(unsure)} "
                "Those after it are untouched: run the command again, what is put back twice is dropped by who reads it"
            ) from error
    return failed


def _found(settings: Settings, selection: Selection) -> list[Document]:
    async def find() -> list[Document]:
        async with read_models(settings) as base:
            return [document async for document in select(LetterReads(base), selection)]

    return ask(find())


async def _read(settings: Settings, document: Document) -> Report:
    async with Desk.open(settings, Words("", "")) as desk:
        return await desk.original(Order(document["_id"], document["record"]["offset"]))
