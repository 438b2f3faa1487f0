"""What is assumed where the record is silent."""

from collections import Counter

from projections.whatif.answers import KEPT, Said, Sample, recorded_answers
from projections.whatif.recorded import Call, Recorded
from streams.events import Channel, Personal, Priority, Request

PERSONAL = Personal("ada@example.org", "-")


def case(name: str, *calls: Call, channel: Channel = "email", priority: Priority = "transactional") -> Recorded:
    return Recorded(
        name, Request(channel, "k", 5, PERSONAL), 1000, priority, (0, 0), None, measured=True, calls=[*calls]
    )


def call(answer: str = "sent", took: int = 100, wait: int = 10) -> Call:
    return Call(1000, 1000 + wait, answer, 1000 + wait + took)  # type: ignore[arg-type]


def test_failures_are_assumed_at_the_rate_of_their_lane() -> None:
    sample = Sample()
    for number in range(1000):
        sample.add(case(f"n{number}", call("failed" if number % 4 == 0 else "sent")))
        sample.add(case(f"p{number}", call("failed"), priority="promotional"))
    assumed = Counter(sample.assumed(case(f"x{number}"), 1).answer for number in range(4000))
    assert 0.22 < assumed["failed"] / 4000 < 0.28
    assert sample.failure_rates() == {"email": 0.625}


def test_a_lane_without_calls_borrows_from_its_channel_and_that_from_any() -> None:
    sample = Sample()
    sample.add(case("n1", call(took=7)))
    sample.add(case("n2", call(took=9), channel="sms"))
    assert sample.assumed(case("x"), 2).took == 7
    assert sample.assumed(case("x", channel="sms"), 3).took == 9
    assert {sample.assumed(case(f"x{number}", channel="push"), 1).took for number in range(50)} == {7, 9}


def test_which_calls_are_kept_does_not_hang_on_their_order() -> None:
    cases = [case(f"n{number}", call(took=number)) for number in range(KEPT * 2)]
    one, other = Sample(), Sample()
    for each in cases:
        one.add(each)
    for each in reversed(cases):
        other.add(each)
    wanted = [one.assumed(case(f"x{number}"), 1) for number in range(100)]
    assert wanted == [other.assumed(case(f"x{number}"), 1) for number in range(100)]
    assert len({said.took for said in wanted}) > 50


def test_only_calls_that_came_to_an_end_stand_for_others() -> None:
    sample = Sample()
    sample.add(case("open", Call(1000, 1010)))
    sample.add(case("unclaimed", Call(1000), call()))
    sample.add(case("deferred", Call(1000, 1010, "deferred", 1020, None, 9000)))
    assert sample.assumed(case("x"), 1) == sample.assumed(case("y"), 1) == Said(0, 10, None, "sent", 100, None)


def test_clocks_that_disagree_make_nothing_negative() -> None:
    backwards = case("n", Call(1000, 900, "failed", 800, None, 5000), Call(4000, 4100, None, None, 4000))
    assert [said for _, said in recorded_answers(backwards)] == [
        Said(0, 0, None, "failed", 0, None),
        Said(0, 100, None, None, None, 0),
    ]
