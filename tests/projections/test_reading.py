import base64
import json
from dataclasses import dataclass

from projections.position import Place
from projections.reading import Item, read
from streams.codec import encode
from streams.events import Attempt, CoolOffLifted, PolicySet, Requested
from streams.record import Record
from streams.topics import EVENTS
from tests.projections.lives import accepted, event, request


@dataclass(frozen=True)
class Consumed:
    value: bytes | None
    key: bytes | None = b"k"
    partition: int = 2
    offset: int = 7
    timestamp: int = 1_700_000_000_000
    topic: str = EVENTS


def letter(raw: Consumed) -> dict[str, object]:
    record = read(raw)
    assert isinstance(record, Record)
    assert record.topic == "dead-letters"
    assert record == read(raw)
    letter: dict[str, object] = json.loads(record.value or b"")
    return letter


def test_an_event_is_read_with_its_place() -> None:
    told = accepted("n")
    assert read(Consumed(encode(told))) == Item(told, Place(2, 7))


def test_what_is_no_event_becomes_the_same_dead_letter_each_time() -> None:
    dead = letter(Consumed(b"\xff{"))
    assert dead["id"] == "dead:notification-events:2.7"
    assert dead["time"] == "2023-11-14T22:13:20Z"
    data = dead["data"]
    assert isinstance(data, dict)
    assert (data["reason"], data["stage"]) == ("undecodable", "projections")
    assert base64.b64decode(data["original"]) == b"\xff{"


def test_a_record_without_a_value_is_a_dead_letter() -> None:
    assert "without a value" in str(letter(Consumed(None)))


def test_what_belongs_on_other_topics_is_a_dead_letter() -> None:
    for body in (Requested(request()), Attempt(1, request()), PolicySet("actor", "ada", 1), CoolOffLifted("ada", 1)):
        assert "which goes on another topic" in str(letter(Consumed(encode(event(body)))))


def test_an_event_of_a_newer_program_is_skipped() -> None:
    newer = encode(accepted("n")).replace(b"accepted.v1", b"accepted.v9")
    assert read(Consumed(newer)) is None
