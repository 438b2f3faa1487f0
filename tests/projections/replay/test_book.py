from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.replay.book import Book, Replay, State, may
from streams import operations
from streams.operations import (
    CoolOffEnded,
    Event,
    Operation,
    ReplayCancelled,
    ReplayCounted,
    ReplayDone,
    ReplayFailed,
    ReplayPaused,
    ReplayReached,
    ReplayRequested,
    ReplayResumed,
)
from streams.replays import Order, Selection

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = Order(Selection(types=("sent",)), "topic:mine", 10)
PREVIEW = Order(Selection(), "topic:mine", 10, preview=True)
ASKED, COUNTED = ReplayRequested("r", ORDER), ReplayCounted("r", {0: (0, 9), 2: (5, 7)}, {"sent": 3, "failed": 1}, 2)

TOLD: list[Operation] = [
    COUNTED,
    ReplayReached("r", 1, {0: 4}),
    ReplayReached("r", 2, {2: 6}),
    ReplayPaused("r"),
    ReplayResumed("r"),
    ReplayCancelled("r"),
    ReplayFailed("r", "no"),
    ReplayDone("r", 4),
]


def after(*told: Operation) -> Replay:
    book = Book()
    for done in told:
        book.take(operations.to_record(Event(done, NOW, "test", "ada", "why")).value)
    return book.replays["r"]


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([ASKED], "counting"),
        ([ASKED, COUNTED], "running"),
        ([ReplayRequested("r", PREVIEW), COUNTED], "ready"),
        ([ReplayRequested("r", PREVIEW), COUNTED, ReplayResumed("r")], "running"),
        ([ASKED, ReplayPaused("r")], "paused"),
        ([ASKED, ReplayPaused("r"), ReplayResumed("r")], "counting"),
        ([ASKED, ReplayPaused("r"), COUNTED, ReplayResumed("r")], "running"),
        ([ASKED, COUNTED, ReplayPaused("r"), ReplayReached("r", 1, {0: 4})], "paused"),
        ([ASKED, COUNTED, ReplayFailed("r", "no"), ReplayResumed("r")], "running"),
        ([ASKED, COUNTED, ReplayPaused("r"), ReplayDone("r", 4)], "done"),
        ([ASKED, COUNTED, ReplayDone("r", 4), ReplayPaused("r"), ReplayCancelled("r")], "done"),
        ([ASKED, COUNTED, ReplayCancelled("r"), ReplayResumed("r"), ReplayDone("r", 4)], "cancelled"),
        ([ASKED, COUNTED, ReplayPaused("r"), ReplayFailed("r", "no")], "paused"),
    ],
)
def test_a_command_that_comes_too_late_changes_nothing(told: Sequence[Operation], state: State) -> None:
    assert after(*told).state == state


def test_it_knows_who_why_how_much_and_how_far() -> None:
    replay = after(ASKED, COUNTED, ReplayReached("r", 2, {0: 4}), ReplayReached("r", 3, {0: 6, 2: 6}))
    assert (replay.by, replay.why, replay.order, replay.total, replay.unreadable) == ("ada", "why", ORDER, 4, 2)
    assert (replay.extents, replay.reached, replay.delivered) == ({0: (0, 9), 2: (5, 7)}, {0: 6, 2: 6}, 3)


def test_a_worker_that_wakes_up_late_takes_nothing_back() -> None:
    replay = after(ASKED, COUNTED, ReplayReached("r", 3, {0: 6, 2: 6}), ReplayReached("r", 1, {0: 2}))
    assert (replay.reached, replay.delivered) == ({0: 6, 2: 6}, 3)


@given(st.lists(st.tuples(st.sampled_from(TOLD), st.booleans()), max_size=12), st.sampled_from([ORDER, PREVIEW]))
def test_what_a_producer_wrote_twice_counts_once(told: list[tuple[Operation, bool]], order: Order) -> None:
    once = [ReplayRequested("r", order), *(done for done, _ in told)]
    twice = [once[0], *(each for done, again in told for each in [done] * (1 + again))]
    assert after(*once) == after(*twice)


def test_other_operations_and_what_can_not_be_read_are_none_of_its_business() -> None:
    book = Book()
    other = operations.to_record(Event(CoolOffEnded("ada"), NOW, "test", "ada"))
    assert not book.take(other.value)
    assert not book.take(b"\xff")
    assert not book.replays


def test_what_may_be_said_depends_on_its_state() -> None:
    running, done = after(ASKED, COUNTED), after(ASKED, COUNTED, ReplayDone("r", 4))
    assert [may(running, verb) for verb in ("pause", "resume", "cancel")] == [True, False, True]
    assert not any(may(done, verb) for verb in ("pause", "resume", "cancel"))


def test_an_operation_of_a_replay_has_a_short_id() -> None:
    assert Event(COUNTED, NOW, "test", "ada").id == "replay-counted:r:2:1767225600000"
