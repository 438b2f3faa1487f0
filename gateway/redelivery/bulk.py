"""Many redeliveries: filters in, what they leave out; then wishes at a pace, with the beginning and the end on record.

A bulk that was cut short is asked for again with the same key: what had been asked for then, is not asked for again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gateway.redelivery.asking import Asked, Asking
from gateway.redelivery.wishes import SOURCE, Wish, Words, name
from projections.mongo.windows import END, since
from projections.position import Document
from projections.present.reads import Reads
from streams import clock, operations
from streams.clock import EPOCH, iso, milliseconds
from streams.events import Channel
from streams.operations import Operation, RedeliveryBegun, RedeliveryEnded

PAGE = 500
AT_ONCE = 200
"""Wishes written together, at most; fewer at a pace below that a second."""
SHOWN = 10
"""Ids a preview names."""


class Selection(NamedTuple):
    """Those with this status, and whatever else is not None; the newest `limit` of them."""

    status: str
    channel: Channel | None = None
    recipient: str | None = None
    begin: datetime = EPOCH
    until: datetime | None = None
    limit: int | None = None

    @property
    def filters(self) -> dict[str, str]:
        """As the read model takes them."""
        given = {"recipient": self.recipient, "status": self.status, "type": self.channel}
        return {field: value for field, value in given.items() if value is not None}

    def __str__(self) -> str:
        """In words, without naming anybody."""
        parts = [f"status {self.status}"]
        parts += [f"type {self.channel}"] if self.channel else []
        parts += ["one recipient"] if self.recipient is not None else []
        parts += [f"from {iso(self.begin)}"] if self.begin > EPOCH else []
        parts += [f"until {iso(self.until)}"] if self.until else []
        parts += [f"the newest {self.limit}"] if self.limit is not None else []
        return ", ".join(parts)


@dataclass(slots=True)
class Found:
    """What a selection comes to; `names` in the order of their creation."""

    names: list[str] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)


class Order(NamedTuple):
    """A bulk: `key` names it, `what` says in words what was selected, `rate` is how many a second at most."""

    key: str
    names: Sequence[str]
    what: str
    rate: float
    words: Words


async def find(reads: Reads, selection: Selection) -> Found:
    """Those that are meant. Raises `mongo.errors.Unavailable`."""
    found = Found()
    async for document in _select(reads, selection):
        found.names.append(document["_id"])
        found.types[document["type"]] += 1
    found.names.reverse()
    return found


async def carry_out(asking: Asking, order: Order, told: Callable[[Asked], None]) -> Asked:
    """All of it, `told` of each step. Raises `Unavailable`; whatever ends it is on record, if Kafka takes that."""
    total = Asked()
    await _record(asking, order, RedeliveryBegun(order.key, len(order.names), order.rate, order.what))
    try:
        async for names in _paced(order.names, order.rate):
            asked = await asking.ask([Wish(one, name(order.key, one)) for one in names], order.words)
            total.add(asked)
            told(asked)
    finally:
        counts = len(total.written), len(total.again), len(total.refused)
        await _record(asking, order, RedeliveryEnded(order.key, len(order.names), *counts))
    return total


async def _select(reads: Reads, selection: Selection) -> AsyncIterator[Document]:
    before = END if selection.until is None else since(milliseconds(selection.until))
    left = selection.limit
    while left is None or left > 0:
        wanted = PAGE if left is None else min(PAGE, left)
        page = await reads.newest(selection.filters, before, wanted, selection.begin)
        for document in page:
            yield document
        if len(page) < wanted:
            return
        before = page[-1]["seq"]
        left = None if left is None else left - len(page)


async def _paced(names: Sequence[str], rate: float) -> AsyncIterator[Sequence[str]]:
    began, step = time.monotonic(), max(1, min(AT_ONCE, int(rate)))
    for start in range(0, len(names), step):
        await asyncio.sleep(max(began + start / rate - time.monotonic(), 0))
        yield names[start : start + step]


async def _record(asking: Asking, order: Order, done: Operation) -> None:
    event = operations.Event(done, clock.now(), SOURCE, *order.words)
    await asking.write([operations.to_record(event)])
