"""A whole system, and what people say of what they got: they have seen it, or they want it once more."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from websockets.sync.client import connect

from streams import clock
from streams.codec import encode
from streams.events import Event, Sending
from streams.intake.requests import recipient_key
from streams.topics import EVENTS
from tests.support import kafka
from tests.support.stack import own_stack, wait_until
from tests.system.whole import Whole, events_of

FAILED = 5
WHY = {"why": "it never arrived", "by": "ada"}


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While this file exists the provider refuses everything."""
    return tmp_path_factory.mktemp("outage") / "outage"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, outage: Path) -> Iterator[Whole]:
    """Up, with a provider that never fails by itself, and two attempts."""
    calls = tmp_path_factory.mktemp("provider") / "calls"
    with own_stack(
        MOCK_RECORD=str(calls),
        MOCK_FAILURE_RATE="0",
        MOCK_LATENCY="0.01",
        MOCK_OUTAGE=str(outage),
        MAX_ATTEMPTS="2",
        RETRY_STEP="0.1",
    ) as stack:
        stack.run("up", "--detach")
        yield Whole(stack, calls)


def like(whole: Whole, user: str) -> str:
    """An in-app notification to them."""
    body = {"type": "LIKE", "actorId": f"fan of {user}", "targetId": user, "postId": "post1"}
    answer = requests.post(f"{whole.stack.http}/like", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.headers["location"].rsplit("/", 1)[1]


def redeliver(whole: Whole, name: str, key: str) -> requests.Response:
    url = f"{whole.stack.http}/api/notifications/{name}/redeliver"
    return requests.post(url, json=WHY, headers={"Idempotency-Key": key}, timeout=60)


def until_told(whole: Whole, name: str, *events: str) -> list[str]:
    """The story, once it ends so."""

    def story() -> list[str]:
        return events_of(whole.stories().get(name, []))

    wait_until(lambda: tuple(story()[-len(events) :]) == events, 60, lambda: f"{name}: {story()}")
    return story()


def calls_for(whole: Whole, name: str) -> Counter[tuple[str, int]]:
    return Counter(
        {(call, number): count for (call, who, number), count in whole.provider_calls().items() if who == name}
    )


def test_a_redelivery_of_a_sent_one_sends_exactly_once_more_and_the_log_says_so(whole: Whole) -> None:
    name, key = whole.stack.post("bob@example.org"), str(uuid4())
    until_told(whole, name, "sending", "sent")
    first = redeliver(whole, name, key)
    assert first.status_code == 202, first.text
    until_told(whole, name, "redelivered", "sending", "sent")
    again = redeliver(whole, name, key)
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (202, first.json(), "true")
    story = until_told(whole, name, "redelivered", "sending", "sent")
    assert story == ["created", "queued", "sending", "sent", "redelivery_requested", "redelivered", "sending", "sent"]
    assert calls_for(whole, name) == dict.fromkeys(
        [(call, number) for call in ("begun", "sent") for number in (1, 2)], 1
    )
    assert whole.jobs()[name]["status"] == "sent"


def test_all_that_failed_is_sent_once_the_provider_is_back(whole: Whole, outage: Path) -> None:
    outage.touch()
    names = [whole.stack.post(f"user{number}@example.org") for number in range(FAILED)]
    for name in names:
        until_told(whole, name, "sending", "failed")
    outage.unlink()
    shown = whole.stack.run("redeliver", "--status", "failed", "--preview").stdout
    assert f"to deliver once more: {FAILED} ({FAILED} email)" in shown
    assert all(name in shown for name in names)
    assert whole.stack.run("redeliver", "--status", "failed", "--yes", check=False).returncode == 1
    done = whole.stack.run("redeliver", "--status", "failed", "--yes", "--why", "the provider is back").stdout
    assert f"asked for {FAILED}" in done
    for name in names:
        until_told(whole, name, "redelivery_requested", "redelivered", "sending", "sent")
        job = whole.jobs()[name]
        assert (job["status"], job["attempts"]) == ("sent", 0)
        assert calls_for(whole, name)[("sent", 3)] == 1


def test_by_id_what_is_not_there_is_refused_and_what_is_asked_for_is_done(whole: Whole) -> None:
    name = whole.stack.post("eve@example.org")
    until_told(whole, name, "sending", "sent")
    nobody = whole.stack.run("redeliver", "nobody", "--yes", "--why", "x", check=False)
    assert (nobody.returncode, "expected the id of a notification" in nobody.stdout) == (1, True)
    whole.stack.run("redeliver", name, "--yes", "--why", "she asked", "--by", "ada")
    until_told(whole, name, "redelivered", "sending", "sent")
    asked = next(line for line in whole.stories()[name] if line["event"] == "redelivery_requested")
    assert (asked["details"]["by"], asked["details"]["why"]) == ("ada", "she asked")


def begin(whole: Whole, name: str, recipient: str) -> None:
    """What a worker says before a call; and then nothing more is heard of it."""
    now, settings = clock.now(), whole.stack.settings
    sending = Event(Sending(1, now + timedelta(seconds=3), "lost"), name, now, "deliver", name)
    key = recipient_key(recipient, settings.recipient_secret.get_secret_value()).encode()
    asyncio.run(kafka.write(settings.kafka_url, EVENTS, (key, encode(sending))))
    until_told(whole, name, "sending")


def acknowledge(whole: Whole, user: str, name: str) -> None:
    """As a client of the socket."""
    with connect(f"ws://127.0.0.1:{whole.stack.port}/ws") as socket:
        socket.send(json.dumps({"type": "AUTH", "userId": user}))
        assert json.loads(socket.recv(30))["type"] == "AUTHENTICATED"
        socket.send(json.dumps({"type": "ACK", "notificationId": name}))
        heard = []
        while {"type": "ACKNOWLEDGED", "notificationId": name} not in heard:
            heard.append(json.loads(socket.recv(30)))
        assert [frame["payload"]["notificationId"] for frame in heard if frame["type"] == "NOTIFICATION"] == [name]


def test_what_a_user_has_acknowledged_is_settled_and_not_tried_again(whole: Whole) -> None:
    """While a worker is gone in the middle of two calls; the other user has seen nothing."""
    whole.stack.kill("deliver", signal.SIGSTOP)
    try:
        seen, unseen = like(whole, "user1"), like(whole, "user2")
        for name, user in ((seen, "user1"), (unseen, "user2")):
            until_told(whole, name, "queued")
            begin(whole, name, user)
        acknowledge(whole, "user1", seen)
        until_told(whole, seen, "acknowledged", "settled")
        until_told(whole, unseen, "lost", "retry_scheduled")
    finally:
        whole.stack.kill("deliver", signal.SIGCONT)
    wait_until(lambda: whole.jobs()[unseen]["status"] == "sent", 60, lambda: str(whole.stories()[unseen]))
    job = whole.jobs()[seen]
    assert (job["status"], job["mailbox"], job["attempts"]) == ("sent", "delivered", 0)
    assert job["acknowledgedAt"]
    assert events_of(whole.stories()[seen])[:5] == ["created", "queued", "sending", "acknowledged", "settled"]
    assert not {"lost", "retry_scheduled"} & set(events_of(whole.stories()[seen]))
    assert redeliver(whole, seen, str(uuid4())).json()["obstacle"] == "acknowledged"


def test_the_audit_finds_nothing_amiss(whole: Whole) -> None:
    report = json.loads(whole.stack.run("audit", "--json").stdout)
    assert report["findings"] == []
    counts = report["counts"]
    assert counts["redeliveries"] == FAILED + 2
    assert counts["accepted"] == counts["sent"] + counts["failed"] + counts["open"]
