from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor import events

from deploy.stack.exits import ExitCounter, make_interface
from deploy.stack.program import LONGEST_PAUSE
from streams.exits import Exit


@pytest.fixture
def counter() -> Iterator[ExitCounter]:
    events.clear()
    yield make_interface(object())
    events.clear()


def ends(kind: type[object], status: int | None, backoff: int = 0) -> SimpleNamespace:
    """A program that ends, as supervisord announces it."""
    name, known = SimpleNamespace(name="deliver"), None if kind is events.ProcessStateBackoffEvent else status
    process = SimpleNamespace(config=name, exitstatus=known, ended_with=status, backoff=backoff)
    event: Any = object.__new__(kind)
    event.process = process
    events.notify(event)
    return process


def test_exits_are_counted_with_the_way_of_the_last_one(counter: ExitCounter) -> None:
    ends(events.ProcessStateExitedEvent, -1)
    assert counter.exits()["deliver"]["last"] == "was killed by a signal"
    ends(events.ProcessStateExitedEvent, 1)
    ends(events.ProcessStateBackoffEvent, 1)
    assert counter.exits()["deliver"]["count"] == 3
    assert counter.exits()["deliver"]["last"] == "ended while starting"


def test_a_process_that_needs_a_human_says_so(counter: ExitCounter) -> None:
    ends(events.ProcessStateExitedEvent, Exit.REFUSED)
    assert counter.exits()["deliver"]["last"] == "refused: see its log"
    ends(events.ProcessStateBackoffEvent, Exit.UPGRADE)
    assert counter.exits()["deliver"]["last"] == "needs an upgrade: see its log"


@pytest.mark.usefixtures("counter")
def test_the_pause_between_failed_starts_stops_growing() -> None:
    assert ends(events.ProcessStateBackoffEvent, None, backoff=3).backoff == 3
    assert ends(events.ProcessStateBackoffEvent, None, backoff=LONGEST_PAUSE + 1).backoff == LONGEST_PAUSE
