from datetime import UTC, datetime

import pytest

from streams import operations
from streams.folding.position import Refused
from streams.gaps import ACCEPTED_BY, Gap, bridge, resume
from streams.operations import GapAccepted
from streams.topics import EVENTS, LANES

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LANE = (LANES[0], 2)


def test_a_gap_is_refused_with_its_place_its_ends_and_what_to_do() -> None:
    with pytest.raises(
        Refused, match=rf"{EVENTS}\[1\]: the records from offset 5 to 8 \(4 of them\).*restore"
    ) as error:
        bridge(Gap(EVENTS, 1, 5, 9), "projections", NOW, accept=False)
    assert "ACCEPT_GAPS=true" in str(error.value)


def test_a_gap_in_a_lane_loses_nothing_and_says_so() -> None:
    with pytest.raises(Refused, match="nothing is lost by it"):
        bridge(Gap(*LANE, 5, 9), "deliver", NOW, accept=False)


def test_a_gap_that_is_accepted_is_on_record() -> None:
    event = operations.read(bridge(Gap(EVENTS, 1, 5, 9), "projections", NOW, accept=True).value)
    assert event.done == GapAccepted("projections", EVENTS, 1, 5, 9)
    assert (event.source, event.why) == ("projections", ACCEPTED_BY)
    assert event.by


def test_a_lane_goes_on_where_it_was() -> None:
    assert resume("g", LANE, 5, 0, 9) is None
    assert resume("g", LANE, 9, 9, 9) is None
    assert resume("g", LANE, None, 0, 0) is None


def test_a_lane_lacks_what_retention_removed() -> None:
    assert resume("g", LANE, 5, 9, 12) == Gap(*LANE, 5, 9)


@pytest.mark.parametrize(("committed", "end"), [(None, 7), (8, 7)])
def test_a_lane_without_a_place_to_go_on_from_is_refused(committed: int | None, end: int) -> None:
    with pytest.raises(Refused, match=r"attempts.*\[2\].*recover deliver"):
        resume("g", LANE, committed, 0, end)
