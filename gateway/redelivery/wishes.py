"""A stored notification and a wish in, the event that asks lifecycle to deliver it once more out, or why not. Pure."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple

import orjson

from projections.position import Document
from streams.events import Event, Personal, RedeliveryRequested, Request
from streams.intake.requests import recipient_key
from streams.record import Record
from streams.topics import EVENTS, partition_for

SOURCE = "gateway"
FINAL = ("sent", "failed")
NAME = 24
"""Hexadecimal digits of a redelivery's name."""

Obstacle = Literal["unknown", "suppressed", "under-way", "acknowledged", "other-words", "misplaced"]


class Words(NamedTuple):
    """Who wants it, and why."""

    by: str
    why: str


class Wish(NamedTuple):
    """A notification that is to be delivered once more, and what that redelivery is called."""

    notification: str
    redelivery: str


class Refusal(NamedTuple):
    """Why it is not asked for."""

    obstacle: Obstacle
    text: str


UNKNOWN = Refusal("unknown", "there is no such notification")


class Again(NamedTuple):
    """It was asked for before, under this name and in these words."""


class Keys(NamedTuple):
    """What places records on the log: the secret of recipients' keys, and the number of partitions."""

    secret: str
    partitions: int


def name(key: str, notification: str) -> str:
    """What a redelivery is called: the same whenever this notification is asked for with the same key."""
    return sha256(f"{key}\n{notification}".encode()).hexdigest()[:NAME]


def line_id(wish: Wish) -> str:
    """The line of NotificationLog that tells of it, and the id of its event."""
    return f"{wish.notification}:redelivery-requested:{wish.redelivery}"


def ask(
    wish: Wish, stored: Document | None, line: Mapping[str, object] | None, words: Words, keys: Keys, now: datetime
) -> Record | Refusal | Again:
    """What to write. `line` is that of `line_id`, if there is one; `now` was before they were read."""
    if line is not None:
        if line["details"] == {"redelivery": wish.redelivery, "by": words.by, "why": words.why}:
            return Again()
        return Refusal("other-words", "this key was used by somebody else, or with another reason: take a new one")
    if stored is None:
        return UNKNOWN
    if (refusal := obstacle(stored)) is not None:
        return refusal
    return _record(wish, stored, words, keys, now)


def obstacle(stored: Document) -> Refusal | None:
    """What stands in the way of redelivering it, if anything."""
    if stored["status"] == "suppressed":
        return Refusal("suppressed", "it was suppressed, so it was not to be delivered: send a new request")
    if stored["status"] not in FINAL:
        return Refusal("under-way", f"it is still under way: {stored['status']}")
    if stored.get("acknowledgedAt") is not None:
        return Refusal("acknowledged", "its recipient has acknowledged it")
    return None


def _record(wish: Wish, stored: Document, words: Words, keys: Keys, now: datetime) -> Record | Refusal:
    key, fold = recipient_key(stored["recipient"], keys.secret), stored["fold"]
    if partition_for(key.encode(), keys.partitions) != fold["partition"]:
        text = f"its recipient's key does not lead to partition {fold['partition']}: is RECIPIENT_SECRET the log's?"
        return Refusal("misplaced", text)
    highest = max(fold["dispatch"], fold.get("last", 0))
    body = RedeliveryRequested(
        wish.redelivery, words.by, words.why, highest, stored["priority"], _request(stored, key), fold.get("holds", 0)
    )
    return Record.of(Event(body, wish.notification, now, SOURCE, wish.notification), EVENTS, key.encode())


def _request(stored: Document, key: str) -> Request:
    """What was asked for. Trap: BSON's long integers have a class of their own, which only orjson takes for numbers."""
    metadata = orjson.loads(orjson.dumps(stored["metadata"]))
    personal = Personal(stored["recipient"], stored["message"], metadata, stored.get("actorId"), stored.get("postId"))
    return Request(stored["type"], key, stored["maxAttempts"], personal, stored.get("eventType"))
