"""The past of a whole system, held against a fold of its own log; and why, in a terminal."""

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta

import pytest
import requests

from projections.present import jobs
from projections.present.jobs import Standing
from projections.reading import Item, read
from streams import clock
from streams.clock import iso
from streams.topics import EVENTS
from tests.support import kafka
from tests.support.stack import wait_until
from tests.system.whole import Whole

COUNT = 200
FINAL = {"sent", "failed"}


@pytest.fixture(scope="module")
def log(whole: Whole) -> list[Item]:
    """All of it; half of the requests came over HTTP, half through RabbitMQ, and all have ended."""
    names = whole.post(range(COUNT // 2)) + whole.publish(range(COUNT // 2, COUNT), "amqp")
    whole.wait_until_final(names, within=120)
    wait_until(lambda: set(counts(whole, clock.now())) <= FINAL, 30, lambda: str(counts(whole, clock.now())))
    records = asyncio.run(kafka.read(whole.stack.settings.kafka_url, EVENTS))
    return [one for record in records if isinstance(one := read(record), Item)]


def get(whole: Whole, path: str = "", **parameters: str) -> requests.Response:
    page = {} if path else {"limit": "500"}
    return requests.get(f"{whole.stack.http}/api/notifications{path}", page | parameters, timeout=30)


def counts(whole: Whole, time: datetime) -> dict[str, int]:
    """Those that are not none."""
    return {status: count for status, count in get(whole, "/counts", at=iso(time)).json().items() if count}


def then(log: list[Item], time: datetime) -> dict[str, Standing]:
    """A straight fold of what had happened."""
    found: dict[str, Standing] = {}
    for event, place in log:
        if event.time <= time and (after := jobs.evolve(found.get(event.notification), event, place)):
            found[event.notification] = after
    return found


def moments(log: list[Item]) -> list[datetime]:
    """From the first event to after the last, and the times of some events themselves."""
    times = sorted(item.event.time for item in log)
    return [*times[:: len(times) // 25], times[-1], times[-1] + timedelta(milliseconds=1)]


def test_at_any_time_lists_and_counts_are_the_fold_of_what_had_happened(whole: Whole, log: list[Item]) -> None:
    seen = Counter[str]()
    for time in moments(log):
        wanted = {name: one.status for name, one in then(log, time).items()}
        seen.update(wanted.values())
        assert {row["id"]: row["status"] for row in get(whole, at=iso(time)).json()} == wanted
        assert counts(whole, time) == Counter(wanted.values())
    assert {"queued", "sending", "retrying", "sent"} <= seen.keys()


def test_now_is_the_present(whole: Whole, log: list[Item]) -> None:
    assert log
    assert get(whole, at=iso(clock.now())).json() == get(whole).json()
    assert get(whole, "/counts", at=iso(clock.now())).json() == get(whole, "/counts").json()


def test_each_retry_has_a_time_when_it_waited(whole: Whole, log: list[Item]) -> None:
    tried = next(name for name, one in then(log, clock.now()).items() if one.job is not None and one.job.attempts >= 1)
    failed = next(event for event, _ in log if event.id == f"{tried}:retry-scheduled:1")
    job = get(whole, f"/{tried}", at=iso(failed.time)).json()
    assert (job["status"], job["attempts"], job["updatedAt"]) == ("retrying", 1, iso(failed.time))


def test_every_step_has_its_cause_and_every_call_its_worker_and_provider(whole: Whole, log: list[Item]) -> None:
    for name in {event.notification for event, _ in log}:
        told = get(whole, f"/{name}/why").json()
        known = {step["id"] for step in told["steps"]}
        assert all(step["cause"] in known for step in told["steps"][1:])
        calls = [step for step in told["steps"] if step["event"] == "sending"]
        assert calls
        assert all((step["worker"], step["provider"]) == ("deliver", "MockProvider") for step in calls)


def test_the_command_shows_the_tree(whole: Whole, log: list[Item]) -> None:
    name = max(then(log, clock.now()).values(), key=lambda one: one.job.attempts if one.job else 0).notification
    shown = whole.stack.run("why", name).stdout
    print(f"\n{shown}")  # noqa: T201
    assert "retry-scheduled 1" in shown
    assert "worker deliver" in shown
    told = json.loads(whole.stack.run("why", name, "--json").stdout)
    assert told == get(whole, f"/{name}/why").json()
    unknown = whole.stack.run("why", "nobody", check=False)
    assert (unknown.returncode, "no story of nobody" in unknown.stdout) == (1, True)
