"""Dead letters for people and for programs: tables, previews, and originals as text."""

from collections.abc import Mapping, Sequence

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.admin.letters.selection import Plan
from gateway.wire import letter
from projections.position import Document
from streams.clock import iso
from streams.counted import counted
from streams.letters.dead_letters import Letter, unpacked

FIRST = 10
"""How many ids a preview, and a list of failures, names."""
HEX_LINE = 32
"""Bytes of an original a line."""


def as_json(documents: Sequence[Document]) -> str:
    """A JSON array, in the form of the gateway's answers."""
    return orjson.dumps([letter(document) for document in documents], option=orjson.OPT_INDENT_2, default=str).decode()


def as_text(document: Document) -> str:
    """All of a letter but its preview."""
    told = {name: value for name, value in letter(document).items() if name != "preview"}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2, default=str).decode()


def original(told: Letter) -> str:
    """The original, as indented JSON if it is that, else in hexadecimal."""
    body = unpacked(told.original)
    if body is None:
        return "\nno original: the record had no value"
    kept = f"the first {len(body):,} of {counted(told.size, 'byte')}" if told.truncated else counted(told.size, "byte")
    return f"\noriginal, {kept}:\n{_as_json_or_hex(body)}"


def print_table(documents: Sequence[Document], console: Console) -> None:
    """One line a letter."""
    table = Table("written", "state", "reason", "stage", "bytes", "id", box=None, header_style="bold", pad_edge=False)
    table.columns[-1].overflow = "fold"
    for one in documents:
        stages = ", ".join(one["stages"])
        cells = (iso(one["createdAt"]), one["state"], one["reason"], stages, str(one["size"]), one["_id"])
        table.add_row(*map(escape, cells))
    console.print(table if documents else "No dead letters.")


def print_plan(verb: str, plan: Plan, console: Console) -> None:
    """What would be done, and what not."""
    table = Table("reason", "letters", title=f"to {verb}", box=None, header_style="bold", title_justify="left")
    for reason, count in plan.reasons.most_common():
        table.add_row(reason, str(count))
    console.print(table if plan.orders else f"Nothing to {verb}.")
    for order in plan.orders[:FIRST]:
        console.print(f"  {escape(order.letter)}", highlight=False, soft_wrap=True)
    _print_rest(len(plan.orders), console)
    _print_reasons("left out", plan.refused, console)
    if plan.may_double:
        console.print(
            f"[yellow]too old: {plan.may_double:,} of them.[/] Whether such a letter was taken before is not known any "
            "more, so it may be delivered twice."
        )


def print_failures(verb: str, failed: Mapping[str, str], total: int, console: Console) -> None:
    """How it went."""
    console.print(f"{total - len(failed):,} of {counted(total, 'letter')}: {verb} done.")
    _print_reasons("failed", failed, console)


def _print_reasons(what: str, reasons: Mapping[str, str], console: Console) -> None:
    for name, why in list(reasons.items())[:FIRST]:
        console.print(f"  [red]{what}[/] {escape(name)}: {escape(why)}", highlight=False, soft_wrap=True)
    _print_rest(len(reasons), console)


def _print_rest(count: int, console: Console) -> None:
    if count > FIRST:
        console.print(f"  ... and {count - FIRST} more")


def _as_json_or_hex(body: bytes) -> str:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return "\n".join(body[at : at + HEX_LINE].hex(" ") for at in range(0, len(body), HEX_LINE)) or "(empty)"
