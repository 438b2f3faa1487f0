"""Every process told to stop in the middle of work, one after the other: all ends once, and nothing is even late."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.stack import wait_until
from tests.system.whole import FINAL, Whole, events_of

COUNT = 1200
KINDS = ("bridge", "admit", "lifecycle", "deliver", "projections")


@pytest.fixture(scope="module")
def names(whole: Whole) -> list[str]:
    """Sent while every process but web stopped once, each with work in flight, and was started again."""
    with ThreadPoolExecutor() as threads:
        published = threads.submit(whole.publish, range(COUNT), "stopped")
        for number, kind in enumerate(KINDS):
            reached = COUNT // 10 * number
            wait_until(lambda reached=reached: whole.calls_made() > reached, 60, lambda: "too few calls")  # type: ignore[misc]
            pid = whole.stack.kill(kind, signal.SIGTERM)
            whole.stack.wait_for(kind, "running", not_pid=pid)
        names = published.result()
    whole.wait_until_final(names, within=180)
    return names


@pytest.mark.usefixtures("names")
def test_each_finished_its_work_and_left_by_itself(whole: Whole) -> None:
    rows = whole.stack.status()
    ends = {kind: (rows[kind]["restarts"], rows[kind]["lastExit"]) for kind in KINDS}
    assert ends == dict.fromkeys(KINDS, (1, "ended with exit code 0"))
    assert [kind for kind in KINDS if f"{kind} stopped" not in whole.stack.log(kind)] == []


def test_all_have_ended_and_none_was_lost_on_the_way(whole: Whole, names: list[str]) -> None:
    jobs, stories = whole.jobs(), whole.stories()
    assert [name for name in names if jobs[name]["status"] not in FINAL] == []
    assert [name for name in names if "lost" in events_of(stories[name])] == []


@pytest.mark.usefixtures("names")
def test_every_call_was_made_once_and_seen_to_its_end(whole: Whole) -> None:
    calls = whole.provider_calls()
    begun = {(name, dispatch): times for (call, name, dispatch), times in calls.items() if call == "begun"}
    ended = {(name, dispatch): times for (call, name, dispatch), times in calls.items() if call != "begun"}
    assert set(begun.values()) == {1}
    assert ended == begun
