"""What the isolation bench makes of a log, and its table."""

import io
import math

import orjson
import pytest
from rich.console import Console

from deploy.bench.isolation import Classes, Load, Phase, percentile, table
from deploy.bench.load import bodies
from streams.events import Accepted, Event, Origin, Priority, Sent
from streams.settings import Settings
from tests.projections.lives import at, life, request


def accepted(name: str, priority: Priority, seconds: float = 0) -> Event[Accepted]:
    return Event(Accepted(request(), priority, Origin(0, 0)), name, at(seconds), "admit", name)


def test_transactional_ones_are_told_apart_and_counted_once() -> None:
    stories = Classes()
    for one in (accepted("a", "transactional"), accepted("b", "promotional"), accepted("a", "transactional")):
        stories.add(one)
    assert stories.transactional == ["a"]
    assert stories.waiting() == 2
    for event in life(accepted("b", "promotional")):
        stories.add(event)
    assert stories.waiting() == 1


def test_the_times_are_those_from_the_request_to_the_provider_s_yes() -> None:
    stories = Classes()
    for event in life(accepted("a", "transactional"), "fs"):
        stories.add(event)
    assert [type(event.body) for event in life(accepted("a", "transactional"), "fs")][-1] is Sent
    assert stories.accept_to_sent() == [1.4]


def test_requests_carry_the_class_only_if_there_is_one() -> None:
    assert "priority" not in orjson.loads(next(bodies(1)))
    assert orjson.loads(next(bodies(1, priority="promotional")))["priority"] == "promotional"


@pytest.mark.parametrize(("share", "value"), [(0.5, 51), (0.95, 96), (0.99, 100)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], share) == value


def test_without_values_there_is_no_percentile() -> None:
    assert math.isnan(percentile([], 0.99))


def test_the_table_holds_each_round_against_the_first() -> None:
    alone = Phase("alone", [0.1] * 100, [0.01], (0, 0), 20)
    beside = Phase("backlog", [0.1] * 90 + [0.15] * 10, [0.01], (2000, 1500), 60)
    out = io.StringIO()
    shown = table([alone, beside], Load(2000, 0, 100, 60), Settings(slots_per_lane=6))
    Console(file=out, width=200).print(shown)
    told = out.getvalue()
    (line,) = (line for line in told.splitlines() if "backlog" in line)
    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells == ["backlog", "100", "100", "150", "150", "1.50", "10", "2,000 to 1,500", "60"]
    assert "6 slots a lane" in " ".join(told.split())
