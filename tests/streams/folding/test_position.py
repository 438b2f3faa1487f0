from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.exits import Refused
from streams.folding.position import Found, Start, start

NEVER = Found(committed=None, applied=None, fresh=False, rows=0, first=0, end=100)
RUNNING = Found(committed=40, applied=40, fresh=False, rows=7, first=0, end=100)


def test_a_partition_that_was_never_folded_starts_where_its_log_begins() -> None:
    assert start(replace(NEVER, first=3), "p") == Start(3, first_time=True)


def test_a_first_start_that_was_interrupted_before_its_commit_is_a_first_start_again() -> None:
    assert start(replace(NEVER, applied=0, fresh=True), "p") == Start(0, first_time=True)


def test_a_first_start_that_was_interrupted_after_its_commit_goes_on() -> None:
    assert start(replace(NEVER, applied=0, fresh=True, committed=0), "p") == Start(0)


def test_an_offset_of_zero_exists() -> None:
    assert start(replace(NEVER, committed=0, applied=0, rows=1), "p") == Start(0)


def test_a_crash_between_changelog_and_commit_goes_on_after_the_changelog() -> None:
    assert start(replace(RUNNING, applied=60), "p") == Start(60)


def test_batches_that_changed_no_state_are_not_folded_again() -> None:
    assert start(replace(RUNNING, committed=60), "p") == Start(60)


@pytest.mark.parametrize(
    "found",
    [
        replace(RUNNING, committed=None),
        replace(RUNNING, committed=None, fresh=True),
        replace(RUNNING, committed=None, applied=None),
        replace(RUNNING, committed=None, rows=0),
    ],
)
def test_lost_offsets_are_noticed(found: Found) -> None:
    with pytest.raises(Refused, match=r"events\[2\].*got committed None.*rebuild"):
        start(found, "events[2]")


@pytest.mark.parametrize("committed", [0, 40])
def test_a_lost_changelog_is_noticed(committed: int) -> None:
    with pytest.raises(Refused, match=f"got committed {committed}, applied None"):
        start(replace(RUNNING, committed=committed, applied=None, rows=0), "events[2]")


def test_a_topic_that_was_made_anew_is_noticed() -> None:
    with pytest.raises(Refused, match=r"expected the topic to reach offset 40.*it ends at 10"):
        start(replace(RUNNING, end=10), "events[2]")


def test_a_rebuild_that_did_not_end_is_noticed_whatever_else_is_there() -> None:
    for found in (replace(RUNNING, rebuilding=True), replace(NEVER, applied=0, rebuilding=True)):
        with pytest.raises(Refused, match="rebuild did not end"):
            start(found, "p")


def test_records_removed_by_retention_before_they_were_folded_are_counted() -> None:
    assert start(replace(RUNNING, first=55), "events[2]") == Start(55, lost=15)


offsets = st.integers(0, 20)


@given(
    st.builds(
        Found, st.none() | offsets, st.none() | offsets, st.booleans(), st.integers(0, 2), offsets, offsets
    ).filter(lambda found: found.first <= found.end)
)
def test_no_start_skips_or_repeats_what_is_not_known_to_be_done(found: Found) -> None:
    try:
        place = start(found, "p")
    except Refused:
        return
    if place.first_time:
        assert place.offset == found.first
        assert not found.rows
    else:
        assert place.offset - place.lost == max(found.committed or 0, found.applied or 0)
        assert not place.lost or place.offset == found.first
