"""How a page of the newest documents is asked for: filters and a cursor in, bounded queries out. Pure.

The MongoDB-wire servers of the local stack read all that matches before they sort and limit. So the sequence is bounded
on both sides, by a window that grows backwards in time until the page is full; MongoDB itself needs no windows and
answers most pages with the first. They also use an index only for a `$match` that it covers whole: the rest of the
filters comes in a second one (MongoDB joins the two).
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from streams.clock import milliseconds

FIRST = 500
"""Milliseconds of the first window: at 833 notifications/s a page of 100 four times over."""
GROWTH = 4
"""Each window is that many times as long as the one before: 16 of them reach back to 1970."""
END = "~"
"""Sorts after every sequence."""


class Window(NamedTuple):
    """Sequences from `low` on, and below `high`."""

    low: str
    high: str


def windows(before: str, newest: datetime) -> Iterator[Window]:
    """Adjacent windows, newest first, that hold everything below `before`.

    `newest` is about when the newest document was created: after a quiet hour, windows that grew over it would
    reach far into what lies behind it.
    """
    top = milliseconds(newest) if before == END else min(int(before[:11], 16), milliseconds(newest))
    span, high = FIRST, before
    while True:
        low = since(top - span)
        yield Window(low, high)
        if low == since(0):
            return
        span, high = span * GROWTH, low


def since(milliseconds_since_1970: int) -> str:
    """The lowest sequence of a creation time."""
    return f"{max(milliseconds_since_1970, 0):011x}"


def pipeline(
    window: Window, filters: Mapping[str, str], limit: int, selective: Collection[str]
) -> list[dict[str, Any]]:
    """The query for what is in the window, newest first; the first of the `selective` that is asked for leads."""
    leading = next((name for name in selective if name in filters), None)
    rest = {name: value for name, value in filters.items() if name != leading}
    indexed = {leading: filters[leading]} if leading else {}
    return [
        {"$match": {**indexed, "seq": {"$gte": window.low, "$lt": window.high}}},
        *([{"$match": rest}] if rest else []),
        {"$sort": {"seq": -1}},
        {"$limit": limit},
    ]
