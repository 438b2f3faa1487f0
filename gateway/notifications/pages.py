"""Stored and pending notifications in, one page of them in one order out. Pure.

Every row has a key, and lists are in the order of keys, newest first. A stored notification's key is its sequence. A
pending one has no place on the log yet: its key is its creation time and its id, above all that are stored with the
same millisecond. When it is stored in between two pages its key changes within that millisecond; so a cursor names,
beside the key to go on below, the pending ones already shown of that millisecond, and no row comes twice or never.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from projections.mongo.windows import END, since

TIME = len(since(0))
"""Characters of a key that are the creation time."""
CURSOR = re.compile(rf"[0-9a-f]{{{TIME}}}([0-9a-f]{{14}}|~[\w.~-]{{1,128}})(,[\w.~-]{{1,128}}){{0,500}}", re.ASCII)


class Cursor(NamedTuple):
    """The rows with keys below `before` are to come, but those with these ids."""

    before: str = END
    shown: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises `ValueError` for what is none of ours."""
        if not CURSOR.fullmatch(text):
            raise ValueError(text)
        before, *shown = text.split(",")
        return cls(before, tuple(shown))

    def __str__(self) -> str:
        return ",".join((self.before, *self.shown))


class Row(NamedTuple):
    """One notification in a list; `job` as it goes on the wire."""

    key: str
    id: str
    job: Any
    pending: bool = False


def pending_key(created: int, notification: str) -> str:
    """`created` in milliseconds since 1970."""
    return f"{since(created)}{END}{notification}"


def page(stored: Iterable[Row], pending: Iterable[Row], cursor: Cursor, limit: int) -> tuple[list[Row], Cursor | None]:
    """The newest `limit` rows below the cursor, and the next page's cursor if there is more.

    `stored` and `pending` have no row in common, and hold the newest `limit + 1` of their kind below the cursor, if
    there are as many.
    """
    wanted = [row for row in (*pending, *stored) if row.key < cursor.before and row.id not in cursor.shown]
    wanted.sort(key=lambda row: row.key, reverse=True)
    rows_here = wanted[:limit]
    return rows_here, _next(rows_here, cursor) if len(wanted) > limit else None


def without(pending: Iterable[Row], stored: Iterable[Row]) -> list[Row]:
    """The pending rows that are not among the stored ones."""
    known = {row.id for row in stored}
    return [row for row in pending if row.id not in known]


def _next(rows: list[Row], cursor: Cursor) -> Cursor:
    before = rows[-1].key
    shown = [row.id for row in rows if row.pending and row.key[:TIME] == before[:TIME]]
    if cursor.before[:TIME] == before[:TIME]:
        shown += cursor.shown
    return Cursor(before, tuple(shown))
