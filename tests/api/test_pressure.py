"""When the API refuses for depth, when it takes again, and what it tells clients to wait."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.pressure import LONGEST, UNKNOWN, Pressure, Sample

LIMIT = 1000


def seen(*depths: int, every: float = 1.0) -> Pressure:
    pressure = Pressure(LIMIT)
    for number, depth in enumerate(depths):
        pressure = pressure.after(Sample(number * every, depth))
    return pressure


def test_nothing_is_refused_below_the_limit() -> None:
    assert not seen(0, 500, 999).refusing


def test_the_limit_itself_is_refused() -> None:
    assert seen(999, 1000).refusing


def test_what_is_refused_is_taken_again_only_below_nine_tenths() -> None:
    assert seen(1000, 950, 900).refusing
    assert not seen(1000, 950, 899).refusing
    assert not seen(1000, 899, 950).refusing


def test_clients_come_again_when_it_will_have_drained_at_the_rate_of_late() -> None:
    assert seen(1100, 1080, 1060, 1040).retry_after() == 7


def test_a_rate_of_long_ago_does_not_count() -> None:
    assert seen(100_000, *range(1120, 1000, -10)).retry_after() == 11


def test_before_the_rate_is_known_there_is_a_guess() -> None:
    assert seen(1100, 1000).retry_after() == UNKNOWN


def test_while_nothing_drains_clients_are_told_the_longest() -> None:
    assert seen(1100, 1100, 1100, 1100).retry_after() == LONGEST
    assert seen(1100, 1200, 1300, 1400).retry_after() == LONGEST


@given(st.lists(st.integers(0, 5000), max_size=60), st.floats(0.5, 5))
def test_whatever_comes_the_answer_is_in_bounds_and_never_flaps_within_the_band(
    depths: list[int], every: float
) -> None:
    stages = [Pressure(LIMIT)]
    for number, depth in enumerate(depths):
        stages.append(stages[-1].after(Sample(number * every, depth)))
    for (before, after), depth in zip(pairwise(stages), depths, strict=True):
        if after.refusing:
            assert 1 <= after.retry_after() <= LONGEST
        if before.refusing != after.refusing:
            assert depth >= LIMIT if after.refusing else depth < 900
        assert len(after.since) <= 22
