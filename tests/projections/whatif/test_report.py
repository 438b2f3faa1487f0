"""What a report counts, and how exact its latencies are."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.whatif.report import SHARES, Latencies


def latencies(values: list[int]) -> Latencies:
    kept = Latencies()
    for value in values:
        kept.add(value)
    return kept


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_percentiles_are_half_a_percent_off_at_most(values: list[int]) -> None:
    exact = [sorted(values)[ceil(share * len(values)) - 1] for share in SHARES]
    assert latencies(values).percentiles() == pytest.approx(exact, rel=0.005)


@given(st.lists(st.integers(0, 10**9)))
def test_however_many_latencies_there_are_few_numbers_are_kept(values: list[int]) -> None:
    assert all(len(str(value).rstrip("0")) <= 3 or value == 10**9 for value in latencies(values).counts)


def test_without_any_there_is_no_percentile() -> None:
    assert latencies([]).percentiles() == [None, None, None]
