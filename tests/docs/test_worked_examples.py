"""The examples of the pages that tell how to add something, as they stand there, in one running stack of their own.

The code of the pages goes into a copy of the program, so a page that no longer fits it fails here.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pymongo
import pytest
import requests
from rich.console import Console

from deploy.dashboard import BUILT, MODULES, build_dashboard
from deploy.stack.home import CHECKOUT
from deploy.stack.report import Report
from tests.support.pages import Page
from tests.support.stack import OwnStack, own_stack, wait_until

PROVIDER, CHANNEL, PROJECTION = (Page(f"docs/how-to/add-a-{what}.md") for what in ("provider", "channel", "projection"))
PACKAGES = ("streams", "api", "projections", "gateway", "deploy")
NOT_COPIED = shutil.ignore_patterns(MODULES.name, BUILT.name, "__pycache__")
BUILD = """
from rich.console import Console
from deploy.dashboard import build_dashboard
from deploy.stack.report import Report
build_dashboard(Report(Console()))
"""
WITHIN = 60
Document = dict[str, Any]


@dataclass
class Gateway:
    """The other end of the SMS provider: it answers as the recipient says, and keeps what it was told."""

    told: list[tuple[str | None, Document]] = field(default_factory=list)

    def answer(self, key: str | None, body: Document) -> int:
        """503 the first time for who asks for it."""
        known = any(one == key for one, _ in self.told)
        self.told.append((key, body))
        return {"busy": 200 if known else 503, "nobody": 404}.get(body["to"], 200)


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[Gateway, str]]:
    """It, and its URL."""
    kept = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(kept.answer(self.headers["Idempotency-Key"], body))
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        yield kept, f"http://127.0.0.1:{server.server_port}/messages"
        server.shutdown()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with all three examples in it."""
    build_dashboard(Report(Console(stderr=True)))  # installs what it takes to build it
    folder = tmp_path_factory.mktemp("program")
    for package in PACKAGES:
        shutil.copytree(CHECKOUT / package, folder / package, ignore=NOT_COPIED)
    (folder / MODULES.relative_to(CHECKOUT)).symlink_to(MODULES)
    for diff in CHANNEL.blocks("diff"):
        subprocess.run(["git", "apply", "--unsafe-paths", "-"], cwd=folder, input=diff, text=True, check=True)
    for page, place in ((PROVIDER, "streams/providers/sms.py"), (PROJECTION, "projections/failure_reasons.py")):
        assert f"`{place}`" in page.text
        (code,) = page.blocks("python")
        (folder / place).write_text(code)
    subprocess.run([sys.executable, "-P", "-c", BUILD], env={**os.environ, "PYTHONPATH": str(folder)}, check=True)
    return folder


@pytest.fixture(scope="module")
def stack(copy: Path, gateway: tuple[Gateway, str]) -> Iterator[OwnStack]:
    """Up, from the copy, with the settings that the pages name."""
    variables = {
        "PROVIDERS": '{"sms": "streams.providers.sms"}',
        "READ_MODELS": '["projections.failure_reasons"]',
    }
    for page, name in ((PROVIDER, "PROVIDERS"), (PROJECTION, "READ_MODELS")):
        assert f"{name}='{variables[name]}'" in page.text
    with own_stack(**variables, PYTHONPATH=str(copy), SMS_URL=gateway[1], MOCK_FAILURE_RATE="0.5") as made:
        made.run("up", "--detach")
        yield made


def until(stack: OwnStack, name: str, *statuses: str) -> Document:
    """The job once it has come to one of these."""
    job: Document = {}

    def reached() -> bool:
        answer = requests.get(f"{stack.http}/api/notifications/{name}", timeout=30)
        answer.raise_for_status()
        job.update(answer.json())
        return job["status"] in statuses

    wait_until(reached, WITHIN, lambda: f"not {statuses}: {job}")
    return job


def steps(stack: OwnStack, name: str) -> list[Document]:
    """What led to its end, once the stories are as far: they follow the log by about a second."""
    told: Document = {}

    def ended() -> bool:
        told.update(requests.get(f"{stack.http}/api/notifications/{name}/why", timeout=30).json())
        return told.get("status") in {"sent", "failed"}

    wait_until(ended, WITHIN, lambda: f"no end: {told}")
    found: list[Document] = told["steps"]
    return found


def test_a_provider_that_was_added_gets_the_messages_of_its_channel(
    stack: OwnStack, gateway: tuple[Gateway, str]
) -> None:
    name = stack.post("ada", type="sms")
    job = until(stack, name, "sent", "failed", "retrying")
    assert (job["status"], job["attempts"]) == ("sent", 0)
    assert (name, {"to": "ada", "text": "hello"}) in gateway[0].told
    assert {step.get("provider") for step in steps(stack, name) if step["event"] == "sending"} == {"SmsProvider"}


def test_what_it_refuses_and_puts_off_is_on_the_log_as_that(stack: OwnStack, gateway: tuple[Gateway, str]) -> None:
    refused, put_off = (stack.post(one, type="sms") for one in ("nobody", "busy"))
    assert until(stack, refused, "retrying", "failed")["lastError"] == "the SMS gateway answered 404"
    assert until(stack, put_off, "sent", "failed")["attempts"] == 0
    assert [key for key, body in gateway[0].told if body["to"] == "busy"] == [put_off, put_off]


def test_a_channel_that_was_added_is_delivered_listed_and_shown(stack: OwnStack) -> None:
    name = stack.post("ada", type="voice")
    until(stack, name, "sent", "failed")
    listed = requests.get(f"{stack.http}/api/notifications", params={"type": "voice"}, timeout=30).json()
    assert name in {job["id"] for job in listed}
    assert "notification-attempts.voice.transactional" in {step["details"].get("lane") for step in steps(stack, name)}
    (script,) = (stack.http + path for path in _scripts(requests.get(stack.http, timeout=30).text))
    assert '"voice"' in requests.get(script, timeout=30).text


def test_a_projection_that_was_added_tells_what_the_log_says_and_can_be_folded_again(
    stack: OwnStack, copy: Path
) -> None:
    names = [stack.post(f"user{number}") for number in range(20)]
    for name in names:
        until(stack, name, "sent", "failed")
    failed = [step for name in names for step in steps(stack, name) if step["event"] == "send-failed"]
    wanted = Counter(step["details"]["error"] for step in failed)
    (error,) = wanted  # of forty calls half fail: the mock says one thing about all of them
    first = until_told(stack, "FailureReason_1", error, wanted[error])
    model = copy / "projections" / "failure_reasons.py"
    model.write_text(model.read_text().replace("VERSION = 1", "VERSION = 2"))
    stack.kill("projections")
    again = until_told(stack, "FailureReason_2", error, wanted[error])
    assert again == first
    assert {one["key"] for one in first} == {error}


def until_told(stack: OwnStack, collection: str, error: str, count: int) -> list[Document]:
    """The documents about an error once they tell of so many."""

    def documents() -> list[Document]:
        with pymongo.MongoClient[Document](stack.settings.mongo_url) as client:
            return list(client[stack.settings.mongo_database][collection].find({"key": error}).sort("_id"))

    wait_until(lambda: sum(one["count"] for one in documents()) == count, WITHIN, lambda: f"{documents()}")
    return documents()


def _scripts(html: str) -> list[str]:
    return [part.split('"')[0] for part in html.split('src="')[1:] if part.split('"')[0].endswith(".js")]
