from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from projections.past import tallies
from projections.past.history import Step
from projections.past.tallies import DAY, HOUR, MINUTE, SECOND, first, fold, ranges, total, touched
from projections.position import Document
from streams.clock import milliseconds
from streams.rules.phase import Status
from tests.projections.lives import START

NOON = milliseconds(START) + DAY // 2
TIMES = st.one_of(
    st.integers(NOON - 3 * SECOND, NOON + 3 * SECOND),
    st.integers(NOON - 2 * HOUR, NOON + 2 * HOUR),
    st.integers(NOON - 40 * DAY, NOON + 3 * DAY),
)
STATUS: st.SearchStrategy[Status] = st.sampled_from(["pending", "queued", "sent", "failed"])
MOVES = st.lists(st.tuples(TIMES, STATUS, st.sampled_from([1, -1])), max_size=60)


class Base:
    """The sums, as MongoDB keeps them."""

    def __init__(self) -> None:
        self.sums: dict[str, Document] = {}

    def take(self, steps: list[Step], partition: int = 0) -> None:
        writes = fold(touched(partition, steps), self.sums)
        for document in writes.documents:
            assert document["_id"] not in self.sums
            self.sums[document["_id"]] = document
        for key, unmoved, changes in writes.updates:
            assert unmoved.items() <= self.sums[key].items()
            self.sums[key] |= changes

    def at(self, time: int) -> dict[str, int]:
        wanted = [
            one
            for span, low, high in ranges(time)
            for one in self.sums.values()
            if one["span"] == span and low <= one["start"] < high
        ]
        return total(wanted, time)


def told(moves: list[tuple[int, Status, int]]) -> list[Step]:
    return [Step(offset, *move) for offset, move in enumerate(moves)]


@given(MOVES, st.integers(1, 9), TIMES)
def test_the_counts_at_a_time_are_the_sum_of_all_steps_up_to_it(
    moves: list[tuple[int, Status, int]], batch: int, time: int
) -> None:
    base, steps = Base(), told(moves)
    for start in range(0, len(steps), batch):
        base.take(steps[start : start + batch])
    for asked in (time, *(step.time + late for step in steps for late in (-1, 0))):
        counts = Counter[str]()
        for step in steps:
            counts[step.status] += step.change * (step.time <= asked)
        assert base.at(asked) == {status: count for status, count in counts.items() if count}


@given(MOVES, st.data())
def test_steps_that_come_again_after_a_crash_count_once(
    moves: list[tuple[int, Status, int]], data: st.DataObject
) -> None:
    steps, base, straight = told(moves), Base(), Base()
    straight.take(steps)
    done = 0
    while done < len(steps):
        begin = data.draw(st.integers(0, done))
        done = data.draw(st.integers(done + 1, len(steps)))
        base.take(steps[begin:done])
    assert {step.time: base.at(step.time) for step in steps} == {step.time: straight.at(step.time) for step in steps}


def test_partitions_are_summed_apart_and_answered_together() -> None:
    base = Base()
    base.take([Step(7, NOON, "sent", 1)], partition=0)
    base.take([Step(3, NOON, "sent", 1)], partition=1)
    assert base.at(NOON) == {"sent": 2}


def test_an_answer_reads_no_more_than_the_days_and_three_times_sixty() -> None:
    asked = ranges(NOON + 23 * HOUR - 1)
    sizes = {span: (high - low) // span for span, low, high in asked[1:]}
    assert sizes.keys() == {HOUR, MINUTE, SECOND}
    assert all(size <= 60 for size in sizes.values())


def test_the_first_step_of_a_second_is_known_to_the_millisecond() -> None:
    base = Base()
    base.take([Step(0, NOON + 500, "pending", 1), Step(1, NOON + 20, "pending", 1), Step(2, NOON + 999, "sent", 1)])
    assert first(base.sums[tallies.name(SECOND, 0, NOON)]) == NOON + 20
