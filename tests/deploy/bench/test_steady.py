"""What the bench makes of a log: what was held under load, told apart from the start and from the tail after it."""

import io

import pytest
from rich.console import Console

from deploy.bench.measure import Stories, Usage
from deploy.bench.steady import Steady, steady
from deploy.bench.tables import costs, held
from tests.projections.lives import accepted, at, life


def told(seconds: int, outcomes: str = "s", rate: int = 10) -> Stories:
    """So many a second for so long, each with these outcomes of its calls."""
    stories = Stories()
    for number in range(seconds * rate + 1):
        for event in life(accepted(f"n{number}", number / rate), outcomes):
            stories.add(event)
            stories.written.append(event.time)
    return stories


def window(stories: Stories) -> Steady:
    found = steady(stories)
    assert found is not None
    return found


def shown(found: Steady | None) -> dict[str, str]:
    out = io.StringIO()
    Console(file=out, width=200).print(held(found, {"projections": 1200, "histories": 0}))
    rows = [line.split("│")[1:-1] for line in out.getvalue().splitlines() if "│" in line]
    return {name.strip(): value.strip() for name, value in rows}


def test_the_window_is_from_five_seconds_after_the_first_request_to_the_last() -> None:
    found = window(told(60))
    assert (found.began, found.ended) == (at(5), at(60))
    assert (found.requests, found.sent, found.final) == (550, 550, 550)
    assert found.events == 4 * 550
    assert found.held


def test_a_short_load_warms_up_for_half_of_it() -> None:
    assert window(told(4)).began == at(2)


@pytest.mark.parametrize("stories", [Stories(), told(0)])
def test_of_requests_of_one_moment_nothing_is_told(stories: Stories) -> None:
    assert steady(stories) is None
    assert shown(None) == {"nothing to tell": "all requests came in one moment: ask for more of them"}


def test_the_tail_after_the_load_counts_neither_as_sent_nor_as_time() -> None:
    stories = told(60)
    late = life(accepted("late", 59.95), "s")
    for event in late:
        stories.add(event)
    assert window(stories).sent == 550


def test_who_waits_for_the_time_of_a_retry_is_not_open() -> None:
    waiting, calling = window(told(60, "fs")), window(told(60))
    assert set(waiting.open) == {4}  # two calls of 0.2 s at 10/s, none of the second between them that they wait
    assert set(calling.open) == {2}
    assert waiting.held


def test_a_pile_that_grows_was_not_held() -> None:
    stories = Stories()
    for number in range(601):
        asked = number / 10
        first, *rest = life(accepted(f"n{number}", asked), "s")
        stories.add(first)
        for event in rest:
            stories.add(event.then(event.body, event.source, at(1.5 * asked)))
    found = window(stories)
    assert list(found.open) == sorted(set(found.open))
    assert found.share == pytest.approx(2 / 3, abs=0.01)
    assert not found.held
    assert shown(found)["delivery kept up"].startswith("NO: 66.")


def test_those_who_failed_have_ended_and_were_not_sent() -> None:
    found = window(told(60, "fff"))
    assert found.sent == 0
    assert found.final > 0


def test_times_of_those_sent_by_their_first_call_are_told_apart() -> None:
    stories = Stories()
    for event in (*life(accepted("a"), "s"), *life(accepted("b"), "fs")):
        stories.add(event)
    assert stories.accept_to_sent(at_once=True) == [0.2]
    assert stories.accept_to_sent() == [0.2, 1.4]


def test_the_table_tells_rates_of_the_window() -> None:
    rows = shown(Steady(at(5), at(65), 60_000, 59_880, 59_400, 300_000, (100, 150, 120)))
    assert list(rows.values()) == [
        "60.0",
        "1,000",
        "998",
        "990",
        "5,000",
        "100 > 150 > 120",
        "projections 1,200, histories 0",
        "yes: 99.8% as many ended as were asked for",
    ]


def test_what_others_took_of_the_machine_is_told() -> None:
    before, after = {"admit": Usage(1.0, 0)}, {"admit": Usage(3.0, 2**20)}
    out = io.StringIO()
    Console(file=out, width=100).print(costs(before, after, 1000, 2.5))
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.getvalue().splitlines() if "│" in line]
    assert cells == [
        ["admit", "2.0", "2,000", "1"],
        ["all", "2.0", "2,000", ""],
        ["others on the machine", "0.5", "", ""],
    ]
