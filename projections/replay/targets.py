"""What a replay can go into: its name in, a target or a refusal out. Pure."""

import re
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Kind = Literal["stdout", "collection", "webhook", "topic"]
EXPECTED = "stdout, collection:NAME, topic:NAME, or the http(s) URL of a webhook"
OURS = ("notification-", "dead-letters", "admit-", "lifecycle-", "deliver-", "tidings", "__")
"""What the names of our own topics, of Faust's and of Kafka's begin with."""
NAME = re.compile(r"[A-Za-z0-9._-]{1,120}")
MAX_URL = 2000
"""Characters."""


class TargetRefused(ValueError):
    """It can't be a target; the text says why."""


class Target(NamedTuple):
    """`name` is a collection's, a topic's, or a URL."""

    kind: Kind
    name: str = ""


def parse(text: str) -> Target:
    """Raises `TargetRefused`."""
    if text == "stdout":
        return Target("stdout")
    scheme, _, name = text.partition(":")
    if scheme in ("http", "https"):
        return Target("webhook", _url(text))
    if scheme not in ("collection", "topic") or not NAME.fullmatch(name):
        raise TargetRefused(f"expected {EXPECTED}, got {text[:MAX_URL]!r}")
    if scheme == "collection":
        return Target("collection", _collection(name))
    refuse_ours(name)
    return Target("topic", name)


def refuse_ours(topic: str) -> None:
    """Raises `TargetRefused` for a topic that we, or Kafka, read: what is put there would be taken for news."""
    if topic.startswith(OURS):
        raise TargetRefused(
            f"topic {topic} is Tidings' own (as all that begin with {', '.join(OURS)}): name one of yours"
        )


def _collection(name: str) -> str:
    if name.startswith("system.") or name.strip(".") != name:
        raise TargetRefused(f"MongoDB has no collection named {name!r}: choose another name")
    return name


def _url(url: str) -> str:
    if _can_be(url):
        return url
    raise TargetRefused(
        "expected a webhook as http(s)://host/..., without user and password, since it is kept on record, and of "
        f"{MAX_URL} characters at most"
    )


def _can_be(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and port != 0 and parts.username is parts.password is None and len(url) <= MAX_URL
