from datetime import timedelta
from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from projections.mongo.windows import END, Window, pipeline, since, windows
from projections.position import Place
from projections.present.jobs import SELECTIVE, sequence
from streams.clock import milliseconds
from tests.projections.lives import START, at

NOW = milliseconds(START)
WINDOW = Window("a", "b")


def test_windows_are_adjacent_grow_and_reach_back_to_the_beginning() -> None:
    all_of_them = list(windows(END, START))
    assert all_of_them[0] == (since(NOW - 500), END)
    assert all(newer.low == older.high and older.low < newer.low for newer, older in pairwise(all_of_them))
    assert all_of_them[-1].low == since(0)
    assert len(all_of_them) < 20


def test_windows_begin_where_the_cursor_is() -> None:
    before = sequence(at(-60), Place(1, 2))
    first, second = islice(windows(before, START), 2)
    assert first == (since(NOW - 60_500), before)
    assert second == (since(NOW - 62_000), since(NOW - 60_500))


def test_windows_begin_at_the_newest_even_if_the_cursor_is_of_a_later_time() -> None:
    before = f"{since(NOW + 3_600_000)}~pending"
    assert next(windows(before, START)) == (since(NOW - 500), before)


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_every_sequence_below_the_cursor_is_in_one_window(cursor: int, created: int) -> None:
    before = sequence(START - timedelta(milliseconds=cursor), Place(1, 5))
    wanted = sequence(START - timedelta(milliseconds=created), Place(1, 4))
    found = [window for window in windows(before, START) if window.low <= wanted < window.high]
    assert len(found) == (wanted < before)


def test_without_a_filter_the_sequence_alone_is_matched() -> None:
    assert pipeline(WINDOW, {}, 5, SELECTIVE) == [
        {"$match": {"seq": {"$gte": "a", "$lt": "b"}}},
        {"$sort": {"seq": -1}},
        {"$limit": 5},
    ]


def test_the_filter_that_leaves_least_goes_with_the_index_and_the_rest_after_it() -> None:
    first, second, *_ = pipeline(WINDOW, {"type": "sms", "status": "failed", "recipient": "ada"}, 5, SELECTIVE)
    assert first == {"$match": {"recipient": "ada", "seq": {"$gte": "a", "$lt": "b"}}}
    assert second == {"$match": {"type": "sms", "status": "failed"}}
