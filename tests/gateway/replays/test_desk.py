"""Replays over HTTP, as an independent client and the record of operations see them."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from gateway.app import router
from streams import clock, operations
from streams.codec import Undecodable
from streams.operations import Operation, ReplayCounted, ReplayDone, ReplayFailed, ReplayRequested
from streams.settings import Settings
from streams.topics import EVENTS, OPERATIONS
from tests.support.kafka import read, write
from tests.support.web import serving


@pytest.fixture(scope="module")
def url(declared: Settings) -> Iterator[str]:
    with serving(router(declared)) as base:
        yield f"{base}/api/replays"


def post(url: str, **body: object) -> requests.Response:
    return requests.post(url, json=body, timeout=30)


def happened(settings: Settings, done: Operation) -> None:
    """As the process that works on replays tells it."""
    record = operations.to_record(operations.Event(done, clock.now(), "replays", "replays"))
    asyncio.run(write(settings.kafka_url, OPERATIONS, (record.key, record.value)))


def told(settings: Settings, name: str) -> list[operations.Event]:
    events = []
    for record in asyncio.run(read(settings.kafka_url, OPERATIONS)):
        with suppress(Undecodable):
            events.append(operations.read(record.value))
    return [event for event in events if getattr(event.done, "replay", None) == name]


def test_one_is_asked_for_and_on_record_without_the_recipients_name(declared: Settings, url: str) -> None:
    asked: dict[str, Any] = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00+01:00", "statuses": ["failed"]}
    answer = post(url, into="topic:mine", recipient="ada@example.org", rate=5, by="ada", why="a test", **asked)
    assert answer.status_code == 202
    replay = answer.json()
    assert answer.headers["Location"] == f"/api/replays/{replay['id']}"
    assert (replay["state"], replay["counts"], replay["by"], replay["why"]) == ("counting", None, "ada", "a test")
    selection = replay["order"]["selection"]
    assert (selection["since"], selection["until"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T23:00:00.000Z")
    assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}Z", replay[name]) for name in ("created", "updated"))
    assert requests.get(f"{url}/{replay['id']}", timeout=30).json() == replay
    assert requests.get(url, timeout=30).json()[0] == replay
    (event,) = told(declared, replay["id"])
    assert isinstance(event.done, ReplayRequested)
    assert (event.by, event.why, event.done.order.into, event.done.order.rate) == ("ada", "a test", "topic:mine", 5)
    assert "ada@" not in str(event.done)
    assert len(event.done.order.selection.recipient_key or "") > 20


def test_it_is_paused_resumed_and_cancelled_and_then_no_more(declared: Settings, url: str) -> None:
    name = post(url, into="collection:mine", preview=True).json()["id"]
    assert post(f"{url}/{name}/resume").status_code == 409
    happened(declared, ReplayCounted(name, {0: (0, 5)}, {"sent": 2}))
    assert requests.get(f"{url}/{name}", timeout=30).json()["state"] == "ready"
    for verb, state in (("resume", "running"), ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        answer = post(f"{url}/{name}/{verb}", by="grace")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    late = post(f"{url}/{name}/resume")
    assert (late.status_code, late.json()["message"]) == (
        409,
        f"expected a replay that is ready or paused or failed to resume, {name} is cancelled",
    )
    assert [event.by for event in told(declared, name)] == ["api", "replays", *["grace"] * 4]


def test_its_end_is_told_with_what_was_delivered_or_went_wrong(declared: Settings, url: str) -> None:
    done, failed = (post(url, into="collection:mine").json()["id"] for _ in range(2))
    for name, end in ((done, ReplayDone(done, 2)), (failed, ReplayFailed(failed, "it said no"))):
        happened(declared, ReplayCounted(name, {0: (0, 5)}, {"sent": 2}))
        happened(declared, end)
    assert requests.get(f"{url}/{done}", timeout=30).json()["delivered"] == 2
    told_of = requests.get(f"{url}/{failed}", timeout=30).json()
    assert (told_of["state"], told_of["error"]) == ("failed", "it said no")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"into": "stdout"}, "into"),
        ({"into": f"topic:{EVENTS}"}, "into"),
        ({"into": "topic:notification-attempts.email.transactional"}, "into"),
        ({"into": "https://ada:secret@example.org/"}, "into"),
        ({"into": "topic:mine", "types": ["sent", "posted"]}, "types"),
        ({"into": "topic:mine", "statuses": ["lost"]}, "statuses"),
        ({"into": "topic:mine", "rate": 0}, "body"),
        ({"into": "topic:mine", "from": "yesterday"}, "body"),
        ({"into": "topic:mine", "colour": "red"}, "body"),
        ({}, "body"),
    ],
)
def test_what_can_not_be_is_refused_with_the_reason(url: str, body: dict[str, object], field: str) -> None:
    answer = post(url, **body)
    assert (answer.status_code, [one["field"] for one in answer.json()["details"]]) == (400, [field])


def test_there_must_be_one(url: str) -> None:
    assert requests.get(f"{url}/nobody", timeout=30).status_code == 404
    assert post(f"{url}/nobody/pause").status_code == 404
