import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.notifications.desk import newest
from gateway.notifications.pages import Cursor, Row, page, pending_key, without
from gateway.notifications.pending import Pending
from gateway.notifications.query import Query
from projections.position import Document, Place
from projections.present.jobs import sequence
from projections.present.reads import Reads
from streams.clock import milliseconds
from tests.projections.lives import START, at

AT = milliseconds(START)


def stored(name: str, created: int, offset: int) -> Row:
    return Row(sequence(at(created / 1000), Place(0, offset)), name, name)


def pending(name: str, created: int) -> Row:
    return Row(pending_key(AT + created, name), name, name, pending=True)


def test_stored_and_pending_rows_are_one_list_newest_first() -> None:
    rows, following = page([stored("a", 1, 1), stored("c", 3, 2)], [pending("b", 2), pending("d", 4)], Cursor(), 9)
    assert ([row.id for row in rows], following) == (["d", "c", "b", "a"], None)


def test_one_that_is_stored_by_now_is_not_pending() -> None:
    assert without([pending("a", 1), pending("b", 1)], [stored("a", 1, 1)]) == [pending("b", 1)]


def test_there_is_a_next_page_if_a_row_is_left() -> None:
    rows = [stored("a", 1, 1), stored("b", 2, 2)]
    assert page(rows, [], Cursor(), 2)[1] is None
    assert page(rows, [], Cursor(), 1)[1] == Cursor(rows[1].key)


def test_one_shown_as_pending_is_not_shown_again_when_stored_in_the_same_millisecond() -> None:
    rows, following = page([stored("a", 1, 1)], [pending("b", 1)], Cursor(), 1)
    assert [row.id for row in rows] == ["b"]
    assert following is not None
    rows, _ = page([stored("a", 1, 1), stored("b", 1, 2)], [], Cursor.parse(str(following)), 1)
    assert [row.id for row in rows] == ["a"]


@pytest.mark.parametrize("text", ["", "x", "19b76daa800", "19b76daa80000300000030d4g", "~,a", "19b76daa800~a,<script>"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Cursor.parse(text)


@dataclass
class World:
    """Notifications that are stored one after the other while somebody pages through their list."""

    created: dict[str, int]
    chance: random.Random
    offsets: dict[str, int] = field(default_factory=dict)

    def store_some(self) -> None:
        for name in sorted(self.created.keys() - self.offsets.keys()):
            if self.chance.random() < 0.3:
                self.offsets[name] = len(self.offsets)

    async def newest(self, _: object, cursor: Cursor, chunk: int) -> AsyncIterator[list[Row]]:
        """Pending records, as `gateway.notifications.pending` yields them."""
        seen: set[str] = set()
        while True:
            there = self.created.keys() - self.offsets.keys() - seen
            found = sorted((pending(name, self.created[name]) for name in there), reverse=True)
            found = [row for row in found if row.key < cursor.before and row.id not in cursor.shown][:chunk]
            if not found:
                return
            seen |= {row.id for row in found}
            self.store_some()
            yield found


class Base(NamedTuple):
    """The world's database, as `projections.present.reads` answers."""

    world: World

    async def newest(self, _: object, before: str, limit: int) -> list[Document]:
        self.world.store_some()
        rows = [stored(name, self.world.created[name], offset) for name, offset in self.world.offsets.items()]
        there = sorted((row for row in rows if row.key < before), reverse=True)
        return [{"seq": row.key, "_id": row.id} for row in there[:limit]]

    async def stored(self, names: Sequence[str]) -> set[str]:
        known = self.world.offsets.keys() & set(names)
        self.world.store_some()
        return known


@given(
    st.dictionaries(st.text("abcdef0~-", min_size=1, max_size=3), st.integers(0, 5), max_size=25),
    st.integers(1, 7),
    st.randoms(use_true_random=True),
)
@example({"0": 0, "a": 0, "-": 0}, 1, random.Random(105))
def test_paging_while_notifications_are_stored_shows_each_exactly_once_in_order(
    created: dict[str, int], limit: int, chance: random.Random
) -> None:
    world, cursor = World(created, chance), Cursor()
    shown: list[str] = []
    while True:
        world.store_some()
        asked = newest(Query({}, limit, cursor), cast("Pending", world), cast("Reads", Base(world)))
        rows, following = asyncio.run(asked)
        shown += [row.id for row in rows]
        if following is None:
            break
        cursor = Cursor.parse(str(following))
    assert sorted(shown) == sorted(created)
    assert [created[name] for name in shown] == sorted(created.values(), reverse=True)
