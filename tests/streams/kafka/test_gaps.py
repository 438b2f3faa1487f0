from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from streams import operations
from streams.exits import Refused
from streams.kafka.gaps import WHY, Gap, missed, pass_over, refuse_unless_accepted, resume
from streams.operations import GapAccepted
from streams.record import Record
from streams.topics import EVENTS, LANES

LANE = (LANES[0], 2)


def test_a_gap_is_refused_with_its_place_its_ends_and_what_to_do() -> None:
    with pytest.raises(
        Refused, match=rf"{EVENTS}\[1\]: the records from offset 5 to 8 \(4 of them\).*restore"
    ) as error:
        refuse_unless_accepted(Gap(EVENTS, 1, 5, 9), accept=False)
    assert "ACCEPT_GAPS=true" in str(error.value)


def test_a_gap_in_a_lane_loses_nothing_and_says_so() -> None:
    with pytest.raises(Refused, match="nothing is lost by it"):
        refuse_unless_accepted(Gap(*LANE, 5, 9), accept=False)


@dataclass
class Kept:
    records: list[Record] = field(default_factory=list)

    async def publish(self, records: Sequence[Record]) -> None:
        self.records += records


async def test_gaps_that_are_accepted_are_on_record() -> None:
    kept = Kept()
    await pass_over([Gap(EVENTS, 1, 5, 9), Gap(EVENTS, 3, 0, 2)], "projections", kept, accept=True)
    told = [operations.read(record.value) for record in kept.records]
    assert [event.done for event in told] == [
        GapAccepted("projections", EVENTS, 1, 5, 9),
        GapAccepted("projections", EVENTS, 3, 0, 2),
    ]
    assert {(event.source, event.why) for event in told} == {("projections", WHY)}
    assert all(event.by for event in told)


async def test_gaps_that_are_not_accepted_are_not_passed_over() -> None:
    kept = Kept()
    with pytest.raises(Refused, match=rf"{EVENTS}\[1\]"):
        await pass_over([Gap(EVENTS, 1, 5, 9)], "projections", kept, accept=False)
    assert kept.records == []


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


@pytest.mark.parametrize("reached", [5, 7, 9])
def test_what_was_read_up_to_a_place_that_is_there_misses_nothing(reached: int) -> None:
    assert missed((EVENTS, 1), reached, 5, 9, "do this") is None


@pytest.mark.parametrize("out_of_range", [False, True])
def test_what_was_removed_is_missed(*, out_of_range: bool) -> None:
    assert missed((EVENTS, 1), 2, 5, 9, "do this", out_of_range=out_of_range) == Gap(EVENTS, 1, 2, 5)


def test_a_topic_that_lost_its_tail_is_refused_with_both_offsets_and_what_to_do() -> None:
    with pytest.raises(Refused, match=rf"{EVENTS}\[1\]: expected it to reach offset 10.*it ends at 9.*do this"):
        missed((EVENTS, 1), 10, 5, 9, "do this")


def test_a_topic_that_lost_its_tail_and_has_grown_again_is_refused() -> None:
    with pytest.raises(Refused, match=r"reach offset 7.*had ended before, and by now ends at 9"):
        missed((EVENTS, 1), 7, 5, 9, "do this", out_of_range=True)
