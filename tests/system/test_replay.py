"""Events of a whole stack told again, to every kind of target; the provider hears nothing of it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pymongo
import pytest
import requests

from streams.topics import EVENTS, LANES
from tests.support.broker import declare
from tests.support.kafka import read
from tests.support.stack import wait_until
from tests.system.whole import Whole

COUNT = 60


@dataclass
class Hook:
    """A webhook that takes what it is posted."""

    url: str = ""
    ids: list[str] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.headers["Tidings-Replay"] == body["tidingsreplay"]
            made.ids.append(body["id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}/"
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def log(whole: Whole) -> list[str]:
    """The ids of all events of a system that has nothing left to do."""
    whole.wait_until_final(whole.post(range(COUNT)), within=120)
    return [json.loads(record.value)["id"] for record in asyncio.run(read(whole.stack.settings.kafka_url, EVENTS))]


@pytest.fixture(autouse=True)
def _nothing_is_sent(whole: Whole, log: list[str]) -> Iterator[None]:
    """The provider's record, the log and the lanes are after each replay what they were before."""
    before, lanes = whole.provider_calls(), in_lanes(whole)
    yield
    assert whole.provider_calls() == before
    assert in_lanes(whole) == lanes
    assert len(asyncio.run(read(whole.stack.settings.kafka_url, EVENTS))) == len(log)


def in_lanes(whole: Whole) -> int:
    async def count() -> int:
        return sum([len(await read(whole.stack.settings.kafka_url, lane)) for lane in LANES])

    return asyncio.run(count())


def replays(whole: Whole) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{whole.stack.http}/api/replays", timeout=30).json()
    return found


def wait_for(whole: Whole, name: str, state: str) -> dict[str, Any]:
    def one() -> dict[str, Any]:
        return next(replay for replay in replays(whole) if replay["id"] == name)

    wait_until(lambda: bool(one()["state"] == state), 120, lambda: str(one()))
    return one()


def test_to_stdout_come_json_lines_and_the_preview_is_right(whole: Whole, log: list[str]) -> None:
    done = whole.stack.run("replay", "start", "--into", "stdout", "--yes", "--rate", "100000")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert sorted(line["id"] for line in lines) == sorted(log)
    assert f"{len(log):,} events of {len(log):,} on the log" in done.stdout
    assert (replays(whole)[0]["state"], replays(whole)[0]["delivered"]) == ("done", len(log))


def test_a_dry_run_only_counts(whole: Whole) -> None:
    before = replays(whole)
    done = whole.stack.run("replay", "start", "--into", "stdout", "--dry-run", "--type", "accepted")
    assert f"{COUNT} events of" in done.stdout
    assert replays(whole) == before


def test_to_a_topic_by_the_command_and_a_collection_over_http(whole: Whole, log: list[str]) -> None:
    settings = whole.stack.settings
    asyncio.run(declare(settings.kafka_url, "mine"))
    done = whole.stack.run("replay", "start", "--into", "topic:mine", "--yes", "--rate", "5000", "--why", "a test")
    assert f"done: {len(log):,} of {len(log):,} events" in done.stdout
    wait_for(whole, ask(whole, into="collection:mine"), "done")
    with pymongo.MongoClient[dict[str, Any]](settings.mongo_url) as client:
        stored = [one["_id"] for one in client[f"{settings.mongo_database}-replays"]["mine"].find()]
    topic = [json.loads(record.value)["id"] for record in asyncio.run(read(settings.kafka_url, "mine"))]
    assert sorted(stored) == sorted(topic) == sorted(log)


def ask(whole: Whole, **asked: object) -> str:
    answer = requests.post(f"{whole.stack.http}/api/replays", json=asked, timeout=30)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_to_a_webhook_over_http_it_is_previewed_paused_killed_and_goes_on(
    whole: Whole, hook: Hook, log: list[str]
) -> None:
    name = ask(whole, into=hook.url, rate=20, preview=True, by="ada")
    assert wait_for(whole, name, "ready")["total"] == len(log)
    say(whole, name, "resume")
    wait_until(lambda: len(hook.ids) > 20, 60, lambda: str(len(hook.ids)))
    say(whole, name, "pause")
    told = wait_for(whole, name, "paused")["delivered"]
    assert f"replay {name} is running" in whole.stack.run("replay", "resume", name, "--detach").stdout
    wait_until(lambda: len(hook.ids) > told + 20, 60, lambda: str(len(hook.ids)))
    whole.stack.kill("replays")
    assert wait_for(whole, name, "done")["delivered"] == len(log)
    assert set(hook.ids) == set(log)
    assert len(hook.ids) < 3 * len(log)


def say(whole: Whole, name: str, verb: str) -> None:
    assert requests.post(f"{whole.stack.http}/api/replays/{name}/{verb}", timeout=30).status_code == 200


def test_our_topics_are_refused(whole: Whole) -> None:
    refused = whole.stack.run("replay", "start", "--into", f"topic:{EVENTS}", "--yes", check=False)
    assert refused.returncode == 1
    assert "Tidings' own" in refused.stdout.replace("\n", " ")
    for lane in LANES:
        asked = {"into": f"topic:{lane}"}
        assert requests.post(f"{whole.stack.http}/api/replays", json=asked, timeout=30).status_code == 400


def test_even_our_own_api_as_a_webhook_takes_no_event_for_a_request(whole: Whole) -> None:
    for path in ("/api/notifications", "/events", "/like"):
        name = ask(whole, into=f"{whole.stack.http}{path}", types=["accepted"])
        assert "refused" in wait_for(whole, name, "failed")["error"]
    assert len(whole.jobs()) == COUNT
