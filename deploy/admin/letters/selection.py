"""Which dead letters a command is about, and what can be done with them: read models in, orders and refusals out."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from deploy.stack.errors import StackError
from projections.letters.obstacles import to_dropping, to_redriving
from projections.letters.reads import LetterReads
from projections.mongo.windows import END, since
from projections.position import Document
from streams.clock import EPOCH, milliseconds
from streams.letters.redriving import Order

PAGE = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Those with one of these ids, or else those that the filters leave, newest first."""

    filters: Mapping[str, str]
    begin: datetime = EPOCH
    until: datetime | None = None
    ids: Sequence[str] = ()
    limit: int | None = None


@dataclass(slots=True)
class Plan:
    """What would be done: the orders, why some letters are left out, and what to be warned of."""

    orders: list[Order] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    may_double: int = 0


async def select(reads: LetterReads, selection: Selection) -> AsyncIterator[Document]:
    """The documents. Raises `Unavailable`, and `StackError` for an id that there is not."""
    if selection.ids:
        for name in selection.ids:
            document = await reads.letter(name)
            if document is None:
                raise StackError(f"expected the id of a dead letter, got {name!r}: see ./tidings dead-letters list")
            yield document
        return
    before = END if selection.until is None else since(milliseconds(selection.until))
    left = selection.limit
    for _ in count():
        wanted = PAGE if left is None else min(PAGE, left)
        page = await reads.newest(selection.filters, before, wanted, selection.begin) if wanted else []
        for document in page:
            yield document
        if len(page) < wanted or not page:
            return
        before = page[-1]["seq"]
        left = None if left is None else left - len(page)


def plan_redrive(documents: Sequence[Document], *, again: bool) -> Plan:
    """What redriving these comes to."""
    plan = Plan()
    for document in documents:
        if obstacle := to_redriving(document, again=again):
            plan.refused[document["_id"]] = obstacle
        else:
            _order(plan, document)
            plan.may_double += document["reason"] == "too-old"
    return plan


def plan_drop(documents: Sequence[Document]) -> Plan:
    """What dropping these comes to."""
    plan = Plan()
    for document in documents:
        if obstacle := to_dropping(document):
            plan.refused[document["_id"]] = obstacle
        else:
            _order(plan, document)
    return plan


def _order(plan: Plan, document: Document) -> None:
    plan.orders.append(Order(document["_id"], document["record"]["offset"]))
    plan.reasons[document["reason"]] += 1
