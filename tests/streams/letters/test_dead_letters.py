import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.codec import Undecodable
from streams.letters.dead_letters import KEPT_OF_LARGE, KEPT_WHOLE, Source, dead_letter, read, reason
from streams.record import Record, check_size
from streams.topics import DEAD_LETTERS, MAX_RECORD_BYTES

NOW = datetime(2026, 5, 4, 12, 0, 0, 123000, UTC)
PLACE = Source("notification-events", 3, 42)


def letter(body: bytes | None, source: Source = PLACE, key: bytes | None = b"recipient") -> Record:
    return dead_letter(
        reason="undecodable", stage="lifecycle", error="no event", source=source, key=key, body=body, time=NOW
    )


def opened(record: Record) -> Any:  # noqa: ANN401 - JSON
    assert record.value is not None
    return json.loads(record.value)


def test_a_letter_is_an_event_that_tells_what_came_from_where_and_why() -> None:
    record = letter(b"\xff")
    assert record.topic == DEAD_LETTERS
    assert opened(record) == {
        "id": "dead:notification-events:3.42",
        "source": "lifecycle",
        "subject": "dead:notification-events:3.42",
        "time": "2026-05-04T12:00:00.123000Z",
        "type": "tidings.dead-letter.v1",
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "data": {
            "reason": "undecodable",
            "stage": "lifecycle",
            "error": "no event",
            "source": {"name": "notification-events", "partition": 3, "offset": 42},
            "size": 1,
            "sha256": hashlib.sha256(b"\xff").hexdigest(),
            "key": base64.b64encode(b"recipient").decode(),
            "original": base64.b64encode(b"\xff").decode(),
        },
    }


def test_the_reason_is_known_without_reading_the_rest_and_asking_never_fails() -> None:
    sound = letter(b"a")
    assert sound.value is not None
    unreadable = sound.value.replace(b"tidings.dead-letter.v1", b"tidings.dead-letter.v2")
    with pytest.raises(Undecodable):
        read(unreadable)
    values = (sound.value, unreadable, b"\xff", None, b'{"data":{"reason":"whim"}}')
    assert [reason(value) for value in values] == ["undecodable", "undecodable", "unknown", "unknown", "unknown"]


def test_the_same_record_twice_is_the_same_letter() -> None:
    assert letter(b"a") == letter(b"a")
    assert letter(b"a").id == letter(b"a").key.decode() == opened(letter(b"a"))["id"]  # type: ignore[union-attr]


def test_a_queue_has_no_offsets_so_the_body_names_the_letter() -> None:
    queue = Source("notification-jobs")
    assert letter(b"a", queue).id == letter(b"a", queue).id != letter(b"b", queue).id


def test_no_body_and_no_key_are_told_apart_from_empty_ones() -> None:
    assert "original" not in opened(letter(None, key=None))["data"]
    assert "key" not in opened(letter(None, key=None))["data"]
    assert opened(letter(b"", key=b""))["data"]["original"] == ""


def test_a_large_original_is_cut_and_says_so() -> None:
    body = bytes(range(256)) * (KEPT_WHOLE // 256) + b"!"
    data = opened(letter(body))["data"]
    assert (data["size"], data["truncated"]) == (KEPT_WHOLE + 1, True)
    assert base64.b64decode(data["original"]) == body[:KEPT_OF_LARGE]
    assert data["sha256"] == hashlib.sha256(body).hexdigest()


@given(st.binary(max_size=100) | st.integers(KEPT_WHOLE - 1, MAX_RECORD_BYTES).map(lambda size: b"\xff" * size))
def test_every_letter_fits_into_a_record(body: bytes) -> None:
    check_size([letter(body)])
    assert opened(letter(body))["data"].get("truncated", False) == (len(body) > KEPT_WHOLE)
