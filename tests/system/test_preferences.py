"""Preferences on a running stack, set over HTTP: withheld, held and then sent, lifted, and rebuilt with the table."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pika
import pytest
import requests

from tests.support.stack import OwnStack, own_stack, wait_until
from tests.system.whole import events_of

EARLIER = timedelta(minutes=4)
"""How long ago a request says it was made: less than what the bridge believes."""


@pytest.fixture(scope="module")
def stack() -> Iterator[OwnStack]:
    with own_stack(MOCK_FAILURE_RATE="0", MOCK_LATENCY="0.01", SESSION_TIMEOUT="6") as made:
        made.run("up", "--detach")
        yield made


def prefer(stack: OwnStack, recipient: str, **wanted: object) -> str:
    """Set it; returns the id by which decisions name it."""
    answer = requests.put(f"{stack.http}/api/preferences/{recipient}", json=wanted, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["event"])


def publish(stack: OwnStack, queue: str, body: dict[str, Any], name: str, at: datetime | None = None) -> str:
    """As another producer would, who says when it was asked for."""
    connection = pika.BlockingConnection(pika.URLParameters(stack.settings.rabbitmq_url))
    stamp = None if at is None else int(at.timestamp())
    properties = pika.BasicProperties(message_id=name, delivery_mode=2, timestamp=stamp)
    connection.channel().basic_publish("", queue, json.dumps(body), properties)
    connection.close()
    return name


def like(stack: OwnStack, post_id: str) -> str:
    body = {"type": "LIKE", "actorId": "eve", "targetId": "user2", "postId": post_id}
    return publish(stack, "notification.event", body, f"eve-likes-{post_id}")


def get(stack: OwnStack, path: str) -> Any:  # noqa: ANN401 - JSON
    return requests.get(f"{stack.http}/api/{path}", timeout=30).json()


def ended(stack: OwnStack, name: str) -> dict[str, Any]:
    """The notification, once it is final."""
    job: dict[str, Any] = {}

    def final() -> bool:
        job.update(get(stack, f"notifications/{name}"))
        return job.get("status") in ("sent", "failed", "suppressed")

    wait_until(final, 120, lambda: f"not final: {job}")
    return job


def story(stack: OwnStack, name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = get(stack, f"notifications/{name}/log")
    return entries


def test_what_is_off_is_withheld_and_all_else_is_sent(stack: OwnStack) -> None:
    by = prefer(stack, "ada@example.org", channels={"email": False})
    job = ended(stack, name := stack.post("ada@example.org"))
    assert (job["status"], job["reason"]) == ("suppressed", "channel-off")
    withheld = story(stack, name)[-1]
    assert (withheld["event"], withheld["details"]) == ("withheld", {"reason": "channel-off", "preferences": by})
    assert ended(stack, stack.post("ada@example.org", type="sms"))["status"] == "sent"
    assert ended(stack, stack.post("bob@example.org"))["status"] == "sent"


def test_what_was_asked_for_in_quiet_hours_waits_for_their_end(stack: OwnStack) -> None:
    asked = datetime.now(UTC) - EARLIER
    start, end = f"{asked:%H:%M}", f"{asked + timedelta(minutes=1):%H:%M}"
    prefer(stack, "grace@example.org", quietHours={"from": start, "to": end, "zone": "Etc/UTC"})
    body = {"type": "email", "recipient": "grace@example.org", "message": "hello"}
    job = ended(stack, name := publish(stack, "notification-jobs", body, "asked-at-night", asked))
    told = story(stack, name)
    assert (job["status"], job["attempts"]) == ("sent", 0)
    assert events_of(told) == ["created", "held", "queued", "sending", "sent"]
    assert told[1]["details"]["notBefore"] == job["heldUntil"]
    assert told[1]["createdAt"] < job["heldUntil"] < told[2]["createdAt"]


def test_an_actor_is_muted_until_that_is_lifted(stack: OwnStack) -> None:
    prefer(stack, "user2", mutedActors=["eve"])
    job = ended(stack, like(stack, "post1"))
    assert (job["status"], job["reason"], job["actorId"]) == ("suppressed", "actor-muted", "eve")
    assert requests.delete(f"{stack.http}/api/preferences/user2", timeout=30).status_code == 200
    assert ended(stack, like(stack, "post2"))["status"] == "sent"


def test_what_holds_is_shown_and_counted(stack: OwnStack) -> None:
    wait_until(lambda: get(stack, "preferences/ada@example.org")["channels"]["email"] is False, 30, lambda: "not shown")
    port = stack.status()["lifecycle"]["ports"][0]
    told = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
    for reason in ("channel-off", "actor-muted", "quiet-hours"):
        assert f'tidings_kept_back_total{{reason="{reason}"}} 1.0' in told


def test_a_rebuilt_table_knows_them(stack: OwnStack) -> None:
    stack.run("recover", "lifecycle")
    assert ended(stack, stack.post("ada@example.org"))["reason"] == "channel-off"
    assert ended(stack, stack.post("grace@example.org", type="sms"))["status"] == "sent"


def test_the_audit_finds_all_of_it_in_order(stack: OwnStack) -> None:
    deadline = time.monotonic() + 180
    report: dict[str, Any] = {"clean": False}
    while not report["clean"] and time.monotonic() < deadline:
        report = json.loads(stack.run("audit", "--json", check=False).stdout)
    assert report["findings"] == []
    assert (report["counts"]["withheld"], report["counts"]["preferencesSet"], report["counts"]["open"]) == (3, 4, 0)
