"""What people do to each other over HTTP, and how they hear of it: sockets of the `websockets` library."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pika
import requests
from websockets.sync.client import ClientConnection, connect

from tests.system.whole import Whole

KINDS = ("LIKE", "COMMENT", "SHARE", "FOLLOW", "MENTION")
VERBS = {
    "LIKE": "liked your post titled 'unknown'",
    "COMMENT": "commented on your post titled 'unknown'",
    "SHARE": "shared your post titled 'unknown'",
    "FOLLOW": "started following you",
    "MENTION": "mentioned you in the post titled 'unknown'",
}
QUIET = 2.0
"""Seconds after which nothing more is expected."""


def kind(number: int) -> str:
    return KINDS[number % len(KINDS)]


def target(number: int) -> str:
    """A few, each with things of every kind."""
    return f"person{number % 4}"


def said(number: int) -> str:
    """Nobody knows the actors or the posts: their ids, and the reference's word, stand for them."""
    return f"actor{number} {VERBS[kind(number)]}"


def act(whole: Whole, numbers: range) -> list[str]:
    """Likes by the reference's call, the rest by the other one, a third of all straight into the queue; the ids."""
    with requests.Session() as session, _queue(whole) as publish:
        return [
            publish(number) if number % 3 == 0 else _act(session, whole, f"actor{number}", target(number), number)
            for number in numbers
        ]


def flood(whole: Whole, number: int) -> list[str]:
    """One actor likes as many people's posts, all at once; the ids."""

    def like(one: int) -> str:
        with requests.Session() as session:
            return _act(session, whole, "flooder", f"flooded{one}", 0)

    with ThreadPoolExecutor(number) as clients:
        return list(clients.map(like, range(number)))


@contextmanager
def _queue(whole: Whole) -> Iterator[Callable[[int], str]]:
    """Any producer's way."""
    connection = pika.BlockingConnection(pika.URLParameters(whole.stack.settings.rabbitmq_url))
    channel = connection.channel()
    channel.confirm_delivery()

    def publish(number: int) -> str:
        properties = pika.BasicProperties(message_id=f"social-{number}", delivery_mode=2)
        body = json.dumps(_event(f"actor{number}", target(number), number))
        channel.basic_publish("", "notification.event", body, properties, mandatory=True)
        return f"social-{number}"

    yield publish
    connection.close()


def _event(actor: str, of: str, number: int) -> dict[str, str]:
    return {"type": kind(number), "actorId": actor, "targetId": of, "postId": "nowhere"}


def _act(session: requests.Session, whole: Whole, actor: str, of: str, number: int) -> str:
    body = _event(actor, of, number)
    path = "/like" if body["type"] == "LIKE" else "/events"
    answer = session.post(f"{whole.stack.http}{path}", json=body, timeout=30)
    assert answer.ok, answer.text
    return answer.headers["Location"].removeprefix("/api/notifications/")


@contextmanager
def socket(whole: Whole, user: str) -> Iterator[ClientConnection]:
    """Of a user."""
    with connect(f"{whole.stack.http}/ws".replace("http", "ws")) as made:
        made.send(json.dumps({"type": "AUTH", "userId": user}))
        assert json.loads(made.recv(30))["type"] == "AUTHENTICATED"
        yield made


def hear(whole: Whole, user: str) -> list[dict[str, Any]]:
    """What waits for somebody, as payloads."""
    heard = []
    with socket(whole, user) as made:
        while True:
            try:
                heard.append(json.loads(made.recv(QUIET))["payload"])
            except TimeoutError:
                return heard


def acknowledge(whole: Whole, user: str, notification: str) -> None:
    """Returns when it is told to be done."""
    with socket(whole, user) as made:
        made.send(json.dumps({"type": "ACK", "notificationId": notification}))
        while json.loads(made.recv(30)) != {"type": "ACKNOWLEDGED", "notificationId": notification}:
            pass
