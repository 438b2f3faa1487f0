"""From what is stored to what is asked for: nothing of the request is lost, and what makes no sense is not asked."""

from typing import Any

import pytest
from bson import decode as from_bson
from bson import encode as to_bson

from gateway.redelivery.wishes import Again, Keys, Refusal, Wish, Words, ask, line_id, name
from projections.position import Document, Place
from projections.present import story
from projections.present.jobs import document, evolve
from streams.codec import decode
from streams.events import Accepted, Event, Origin, Personal, Queued, RedeliveryRequested, Request, Sent
from streams.intake.requests import recipient_key
from streams.record import Record
from streams.rules import conclusions, notification
from streams.topics import partition_for
from tests.projections.lives import Events, accepted, at, event, items, life, suppressed

SECRET, PARTITIONS = "s", 4
KEYS = Keys(SECRET, PARTITIONS)
WORDS = Words("ada", "lost in transit")
WISH = Wish("n", "r")
PERSONAL = Personal("user1", "user2 liked it", {"big": 2**60, "parts": [1, {"of": "it"}]}, "user2", "post1")
ASKED = Request("in-app", recipient_key("user1", SECRET), 7, PERSONAL, "LIKE")


def partition(recipient: str) -> int:
    return partition_for(recipient_key(recipient, SECRET).encode(), PARTITIONS)


def stored(told: Events, recipient: str = "ada@example.org") -> Document:
    """The document of these events, as it comes back from the database."""
    standing = None
    for one, place in items(told, partition(recipient)):
        standing = evolve(standing, one, place)
    assert standing is not None
    first = told[0]
    made = document(first, first.body, Place(partition(recipient), 0), standing)  # type: ignore[arg-type]
    read: Document = from_bson(to_bson(made))
    return read


def wished(document: Document | None, line: dict[str, Any] | None = None) -> Record | Refusal | Again:
    return ask(WISH, document, line, WORDS, KEYS, at(99))


def test_the_event_asks_for_the_same_as_at_first_under_the_same_key() -> None:
    told = life(event(Accepted(ASKED, "promotional", Origin(0, 0))), "fs")
    record = wished(stored(told, "user1"))
    assert isinstance(record, Record)
    assert record.key == ASKED.recipient_key.encode()
    assert decode(record.value) == Event(
        RedeliveryRequested("r", "ada", "lost in transit", 2, "promotional", ASKED), "n", at(99), "gateway", "n"
    )


def test_lifecycle_goes_on_from_it_with_the_next_number_though_it_has_forgotten_the_rest() -> None:
    record = wished(stored(life(accepted("n"), "fff")))
    assert isinstance(record, Record)
    asked = decode(record.value)
    (queued,) = conclusions.conclude(notification.evolve(None, asked), asked, None)  # type: ignore[arg-type]
    assert isinstance(queued.body, Queued)
    assert (queued.body.dispatch, queued.body.redelivery) == (4, "r")


def test_the_highest_number_counts_if_an_earlier_one_was_sent_at_last() -> None:
    told = life(accepted("n"), "ls")
    late = next(one.then(Sent(1), "deliver") for one in told)
    record = wished(stored([*told[:-2], late]))
    assert isinstance(record, Record)
    body = decode(record.value).body
    assert isinstance(body, RedeliveryRequested)
    assert body.dispatch == 2


@pytest.mark.parametrize(
    ("told", "obstacle", "text"),
    [
        (life(accepted("n"), ""), "under-way", "queued"),
        (life(accepted("n"), "f"), "under-way", "queued"),
        (life(accepted("n"), "sr"), "under-way", "queued"),
        (life(accepted("n"), "sa"), "acknowledged", "acknowledged"),
        ([suppressed("n")], "suppressed", "suppressed"),
    ],
)
def test_what_makes_no_sense_is_refused_and_told_why(told: Events, obstacle: str, text: str) -> None:
    refusal = wished(stored(told))
    assert isinstance(refusal, Refusal)
    assert refusal.obstacle == obstacle
    assert text in refusal.text


def test_what_is_not_stored_is_unknown() -> None:
    assert wished(None) == Refusal("unknown", "there is no such notification")


def test_another_secret_than_the_log_s_is_noticed() -> None:
    document = stored(life(accepted("n"), "s"))
    elsewhere = document | {"fold": {**document["fold"], "partition": (document["fold"]["partition"] + 1) % PARTITIONS}}
    refusal = wished(elsewhere)
    assert isinstance(refusal, Refusal)
    assert refusal.obstacle == "misplaced"


def test_asked_for_before_in_the_same_words_is_once_and_in_others_is_refused() -> None:
    document = stored(life(accepted("n"), "s"))
    record = wished(document)
    assert isinstance(record, Record)
    line = story.entry(decode(record.value), Place(0, 9))
    assert line is not None
    assert (line["_id"], line["event"]) == (line_id(WISH), "redelivery_requested")
    assert isinstance(wished(document, line), Again)
    other = ask(WISH, document, line, Words("eve", "for fun"), KEYS, at(99))
    assert isinstance(other, Refusal)
    assert other.obstacle == "other-words"


def test_a_redelivery_is_named_by_key_and_notification() -> None:
    assert name("k", "a") == name("k", "a")
    assert len({name("k", "a"), name("k", "b"), name("l", "a")}) == 3
    assert ":" not in name("k", "a")
