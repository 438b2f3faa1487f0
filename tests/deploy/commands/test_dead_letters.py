"""`./tidings dead-letters` on a whole stack: what a bug set aside is delivered, once, after a redrive."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pika
import pytest
import requests

from streams import clock, codec
from streams.events import Event, Personal, Request, Requested
from streams.intake.requests import recipient_key
from streams.kafka.publisher import Publisher
from streams.letters.dead_letters import KEPT_WHOLE, Reason, Source, dead_letter
from streams.record import Record
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS, JOBS_QUEUE, OPERATIONS, REQUESTS, lane
from tests.support import kafka
from tests.support.stack import OwnStack, wait_until

Up = Callable[..., OwnStack]


def request(name: str, settings: Settings) -> bytes:
    secret = settings.recipient_secret.get_secret_value()
    body = Request("email", recipient_key("ada@example.org", secret), 5, Personal("ada@example.org", "hello"))
    return codec.encode(Event(Requested(body), name, clock.now(), "bridge", name))


def letter(number: int, body: bytes, reason: Reason = "rule-failed", key: bytes = b"k") -> Record:
    """As admit writes it when its rule raises on a request."""
    source = Source(REQUESTS, 1, 1_000_000 + number)
    return dead_letter(reason=reason, stage="admit", error="bug", source=source, key=key, body=body, time=clock.now())


def publish(settings: Settings, *records: Record) -> None:
    async def write() -> None:
        publisher = Publisher(settings.kafka_url)
        await publisher.start()
        await publisher.publish(records)
        await publisher.stop()

    asyncio.run(write())


class Letters:
    """The stack's dead letters, by its commands and over HTTP."""

    def __init__(self, stack: OwnStack) -> None:
        self.stack = stack

    def run(self, *arguments: str, check: bool = True) -> str:
        return self.stack.run("dead-letters", *arguments, check=check).stdout

    def listed(self, *filters: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.run("list", "--json", *filters))
        return listed

    def states(self) -> dict[str, int]:
        counts = requests.get(f"{self.stack.http}/api/dead-letters/counts", timeout=30).json()
        states: dict[str, int] = counts["states"]
        return states

    def wait_for(self, **states: int) -> None:
        wanted = {"open": 0, "redriven": 0, "dropped": 0} | states
        wait_until(lambda: self.states() == wanted, 60, lambda: f"expected {wanted}, have {self.states()}")


@pytest.fixture
def letters(stack: Up, tmp_path: Path) -> Letters:
    return Letters(stack(MOCK_RECORD=str(tmp_path / "calls"), MOCK_FAILURE_RATE="0"))


def calls(tmp_path: Path) -> list[dict[str, Any]]:
    record = tmp_path / "calls"
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def test_what_a_bug_set_aside_is_delivered_once_after_a_redrive_and_the_rest_is_given_up(
    letters: Letters, tmp_path: Path
) -> None:
    settings, names = letters.stack.settings, [f"n-{uuid4()}" for _ in range(3)]
    mended = [letter(number, request(name, settings), key=name.encode()) for number, name in enumerate(names)]
    spam, large = letter(5, b"\xffspam", "invalid"), letter(6, b"x" * (KEPT_WHOLE + 1))
    old = letter(7, b"{}", "too-old")
    publish(settings, *mended, *mended[:1], spam, large, old)
    letters.wait_for(open=6)
    are_listed(letters, [one.id for one in (*mended, large)], spam.id)
    are_shown(letters, mended[0].id, spam.id)
    are_previewed(letters, mended[0].id, large.id)
    are_redriven(letters, [one.id for one in mended], names)
    are_dropped(letters, spam.id)
    sent = [call["notification"] for call in calls(tmp_path) if call["call"] == "sent"]
    assert sorted(sent) == sorted(names)


def are_listed(letters: Letters, failed: list[str], spam: str) -> None:
    assert sorted(one["id"] for one in letters.listed("--reason", "rule-failed")) == sorted(failed)
    assert letters.listed("--until", "2026-01-01") == []
    filters = ("--stage", "admit", "--state", "open", "--since", "2026-01-01T00:00:00+0000", "--limit", "3")
    assert spam in letters.run("list", *filters)


def are_shown(letters: Letters, request: str, spam: str) -> None:
    assert '"message": "hello"' in letters.run("show", request)
    assert "ff 73 70 61 6d" in letters.run("show", spam)
    assert "expected the id of a dead letter" in letters.run("show", "dead:nothing", check=False)


def are_previewed(letters: Letters, first: str, large: str) -> None:
    preview = letters.run("redrive", "--dry-run")
    assert f"left out {large}: its 262145 bytes were too many to keep" in preview
    assert "too old: 1 of them" in preview
    assert first in preview
    assert "Aborted" in letters.run("redrive", check=False)
    letters.wait_for(open=6)


def are_redriven(letters: Letters, ids: list[str], names: list[str]) -> None:
    options = [part for one in ids for part in ("--id", one)]
    done = letters.run("redrive", "--yes", "--why", "mended", "--by", "ada", *options)
    assert "3 of 3 letters: redrive done" in done
    letters.wait_for(open=3, redriven=3)
    for name in names:
        delivered(letters, name)
    (line,) = letters.listed("--id", ids[0])[0]["history"]
    assert (line["by"], line["why"], line["target"], line["partition"]) == ("ada", "mended", REQUESTS, 1)
    assert "redriven already: add --again" in letters.run("redrive", "--yes", "--id", ids[0], check=False)
    assert "1 of 1" in letters.run("redrive", "--yes", "--again", "--id", ids[0])


def are_dropped(letters: Letters, spam: str) -> None:
    assert "--why" in letters.run("drop", "--yes", check=False)
    assert "3 of 3 letters: drop done" in letters.run("drop", "--yes", "--why", "spam")
    letters.wait_for(redriven=3, dropped=3)
    assert "dropped, for good" in letters.run("redrive", "--yes", "--again", "--id", spam, check=False)
    assert "Nothing to redrive" in letters.run("redrive", "--yes")


def delivered(letters: Letters, name: str) -> None:
    def status() -> object:
        return requests.get(f"{letters.stack.http}/api/notifications/{name}", timeout=30).json().get("status")

    wait_until(lambda: status() == "sent", 60, lambda: f"{name} is {status()}")


def test_what_every_stage_sets_aside_is_shown_once(letters: Letters) -> None:
    settings, poison = letters.stack.settings, b"\xff"
    message = pika.BasicProperties(message_id="m-1", delivery_mode=2)
    with pika.BlockingConnection(pika.URLParameters(settings.rabbitmq_url)) as connection:
        for _ in range(2):
            connection.channel().basic_publish("", JOBS_QUEUE, poison, message)
    for topic in (REQUESTS, EVENTS, lane("sms", "retries"), DEAD_LETTERS, OPERATIONS):
        asyncio.run(kafka.write(settings.kafka_url, topic, (b"k", poison)))
    letters.wait_for(open=6)

    def shown() -> dict[str, list[str]]:
        rows = requests.get(f"{letters.stack.http}/api/dead-letters", timeout=30).json()
        return {row["source"]["name"]: row["stages"] for row in rows}

    wanted = {
        JOBS_QUEUE: ["bridge"],
        REQUESTS: ["admit"],
        EVENTS: ["lifecycle", "projections"],
        lane("sms", "retries"): ["deliver"],
        DEAD_LETTERS: ["projections"],
        OPERATIONS: ["projections"],
    }
    wait_until(lambda: shown() == wanted, 120, lambda: f"shown are {shown()}; {letters.stack.log('lifecycle')}")
    assert letters.states()["open"] == 6
