from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.health.progress import LONGEST_STEP, SAMPLES, Arrivals, Look, Progress

STUCK = Look(position=7, todo=3)


def seen(*looks: Look, every: float = 1.0) -> Progress:
    """What these looks amount to, one every so many seconds."""
    progress = Progress(looks[0], 0.0)
    for number, look in enumerate(looks[1:], 1):
        progress = progress.after(look, number * every)
    return progress


def test_work_that_could_move_and_does_not_is_stalled_for_as_long_as_that_was_seen() -> None:
    assert seen(*[STUCK] * 31).stalled == 30


def test_nothing_to_do_is_no_stall() -> None:
    assert seen(*[Look(7, 0)] * 100).stalled == 0


def test_any_movement_begins_anew_also_backwards() -> None:
    assert seen(*[STUCK] * 31, Look(6, 4)).stalled == 0


def test_what_hinders_stops_the_count_and_forgives_nothing() -> None:
    hindered = STUCK._replace(hindered="Kafka does not answer")
    assert seen(*[STUCK] * 11, *[hindered] * 100, *[STUCK] * 5).stalled == 15


def test_a_jump_of_the_clock_counts_as_a_moment() -> None:
    """A process that was stopped for an hour had no chance to move."""
    assert Progress(STUCK, 0.0).after(STUCK, 3600.0).stalled == LONGEST_STEP
    assert Progress(STUCK, 3600.0).after(STUCK, 0.0).stalled == 0


def test_it_tells_what_it_knows() -> None:
    assert str(seen(*[STUCK] * 31)) == "3 to do, nothing moved for 30 s"
    assert str(seen(STUCK._replace(hindered="the breaker is open"))) == "3 to do, waits: the breaker is open"
    assert str(seen(Look(7, 0))) == "nothing to do"


def test_lag_in_seconds_is_the_age_of_the_oldest_unread_record() -> None:
    arrivals = Arrivals()
    arrivals.add(0.0, end=10, position=10)
    assert arrivals.waiting(5.0) == 0
    arrivals.add(6.0, end=12, position=10)
    arrivals.add(8.0, end=20, position=10)
    assert arrivals.waiting(9.0) == 3
    arrivals.add(10.0, end=20, position=12)
    assert arrivals.waiting(11.0) == 3
    arrivals.add(12.0, end=20, position=20)
    assert arrivals.waiting(13.0) == 0


@given(st.lists(st.integers(0, 5), min_size=1, max_size=2000))
def test_lag_in_seconds_is_remembered_in_bounded_space_and_its_oldest_sample_stays(steps: list[int]) -> None:
    arrivals, end = Arrivals(), 1
    for second, step in enumerate(steps):
        end += step
        arrivals.add(float(second), end, position=0)
    assert len(arrivals.samples) <= SAMPLES + 1
    assert arrivals.waiting(len(steps)) == len(steps)
    assert all(before < after for before, after in pairwise(arrivals.samples))
