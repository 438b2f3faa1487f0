"""A whole stack from outside: independent clients send; MongoDB and the provider's record tell what became of it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pika
import pymongo
import requests

from tests.support.stack import OwnStack, wait_until

TYPES = ("email", "sms", "push")
FINAL = ("sent", "failed")
CLIENTS = 16
Document = dict[str, Any]


@dataclass(frozen=True)
class Whole:
    """A running stack; `calls` is the mock provider's record."""

    stack: OwnStack
    calls: Path

    @contextmanager
    def collections(self) -> Iterator[tuple[Any, Any]]:
        """NotificationJob and NotificationLog, through a client of its own."""
        settings = self.stack.settings
        with pymongo.MongoClient[Document](settings.mongo_url) as client:
            database = client[settings.mongo_database]
            yield database["NotificationJob"], database["NotificationLog"]

    def post(self, numbers: range) -> list[str]:
        """Requests over HTTP by several clients; the ids that were answered with 201."""

        def client(mine: range) -> list[str]:
            with requests.Session() as session:
                return [self._post_one(session, number) for number in mine]

        with ThreadPoolExecutor(CLIENTS) as clients:
            shares = clients.map(client, (numbers[start::CLIENTS] for start in range(CLIENTS)))
            return [name for share in shares for name in share]

    def _post_one(self, session: requests.Session, number: int) -> str:
        answer = session.post(f"{self.stack.http}/api/notifications", json=body(number), timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def publish(self, numbers: range, prefix: str) -> list[str]:
        """The same bodies straight into RabbitMQ by pika, confirmed; the message ids."""
        names = [f"{prefix}-{number}" for number in numbers]
        connection = pika.BlockingConnection(pika.URLParameters(self.stack.settings.rabbitmq_url))
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            for name, number in zip(names, numbers, strict=True):
                properties = pika.BasicProperties(message_id=name, delivery_mode=2)
                channel.basic_publish("", "notification-jobs", json.dumps(body(number)), properties, mandatory=True)
        finally:
            connection.close()
        return names

    def wait_until_final(self, names: list[str], within: float) -> None:
        """Returns when all have ended. Fails with what is still open."""
        with self.collections() as (jobs, _):
            wanted = set(names)

            def open_ones() -> set[str]:
                return wanted - {job["_id"] for job in jobs.find({"status": {"$in": FINAL}}, {"_id": 1})}

            wait_until(lambda: not open_ones(), within, lambda: f"still open: {sorted(open_ones())[:10]}")

    def stories(self) -> dict[str, list[Document]]:
        """The log entries of every notification, in the log's order."""
        stories = defaultdict(list)
        with self.collections() as (_, log):
            for entry in log.find():
                stories[entry["jobId"]].append(entry)
        for story in stories.values():
            story.sort(key=lambda entry: entry["position"]["offset"])
        return stories

    def jobs(self) -> dict[str, Document]:
        """All jobs by id."""
        with self.collections() as (jobs, _):
            return {job["_id"]: job for job in jobs.find()}

    def calls_made(self) -> int:
        """How many calls the provider has got so far."""
        return self.calls.read_bytes().count(b'"begun"') if self.calls.exists() else 0

    def provider_calls(self) -> Counter[tuple[str, str, int]]:
        """How often what was noted by the provider: (begun, sent or failed; notification; dispatch)."""
        lines = (json.loads(line) for line in self.calls.read_text().splitlines())
        return Counter((line["call"], line["notification"], line["dispatch"]) for line in lines)


def body(number: int) -> Document:
    """A request; the recipients repeat, so that their notifications share partitions."""
    return {
        "type": TYPES[number % 3],
        "recipient": f"user{number % 200}@example.org",
        "message": f"message {number}",
        "metadata": {"number": number},
    }


def events_of(story: list[Document]) -> list[str]:
    """The words of a story."""
    return [entry["event"] for entry in story]


def told_by_the_reference(failures: int) -> list[str]:
    """The story of a notification whose first calls failed, as the reference would tell it."""
    if failures >= 5:
        return ["created", "queued", *["sending", "retry_scheduled"] * 4, "sending", "failed"]
    return ["created", "queued", *["sending", "retry_scheduled"] * failures, "sending", "sent"]


def seconds_late(story: list[Document]) -> list[float]:
    """For each retry: seconds from the time it was scheduled for to its call; negative is early."""
    late = []
    for scheduled, sending in pairwise(story):
        if scheduled["event"] == "retry_scheduled":
            waited = (sending["createdAt"] - scheduled["createdAt"]).total_seconds()
            late.append(waited - scheduled["details"]["delayMs"] / 1000)
    return late
