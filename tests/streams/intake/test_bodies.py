"""The schema check: every row of bad input has its own words, and no input at all gets past them as an accident."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.events import Activity
from streams.intake.bodies import (
    MAX_DEPTH,
    DeliveryBody,
    Fault,
    Invalid,
    NotAnObject,
    SocialBody,
    check_delivery,
    check_social,
)

GOOD: dict[str, Any] = {"type": "email", "recipient": "ada@example.org", "message": "hello"}
LIKE: dict[str, Any] = {"type": "LIKE", "actorId": "user1", "targetId": "user2", "postId": "post1"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
names = ["type", "recipient", "message", "metadata", "priority", "id", "actorId", "targetId", "postId", "timestamp"]
words = st.sampled_from(["email", "LIKE", "FOLLOW", "promotional", "2026-01-01T00:00:00Z", "9999-12-31", ""])
near_misses = st.dictionaries(st.sampled_from([*names, "jobId"]), words | json_values)


def delivery(**changes: object) -> DeliveryBody:
    return check_delivery(json.dumps(GOOD | changes).encode())


def social(**changes: object) -> SocialBody:
    fields = {name: value for name, value in (LIKE | changes).items() if value is not ...}
    return check_social(json.dumps(fields).encode())


def delivery_faults(**changes: object) -> Invalid:
    with pytest.raises(Invalid) as caught:
        delivery(**changes)
    return caught.value


def test_the_three_required_fields_are_enough() -> None:
    assert delivery() == DeliveryBody("email", "ada@example.org", "hello", None, None, None)


def test_the_optional_fields_come_through() -> None:
    body = delivery(metadata={"order": [4711, 1.5, None]}, priority="promotional", id="order-1", colour="red")
    assert body[3:] == ({"order": [4711, 1.5, None]}, "promotional", "order-1")


@pytest.mark.parametrize("absent", [None, ""])
def test_absent_options_may_be_null_or_empty(absent: str | None) -> None:
    assert delivery(priority=absent, id=absent)[4:] == (None, None)


@pytest.mark.parametrize("name", ["type", "recipient", "message"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_missing_field_is_refused_in_the_references_words(name: str, nothing: str | None) -> None:
    invalid = delivery_faults(**{name: nothing})
    assert str(invalid) == "type, recipient and message are required"
    assert invalid.faults == (Fault(name, "is required"),)


def test_all_faults_are_told_at_once() -> None:
    invalid = delivery_faults(type="fax", recipient=None, message=5, metadata=[], priority="urgent", id=7)
    assert [fault.field for fault in invalid.faults] == ["type", "recipient", "message", "metadata", "priority", "id"]


def test_an_unknown_type_is_told_the_allowed_ones() -> None:
    assert str(delivery_faults(type="fax")) == "type must be one of email, sms, push"


@pytest.mark.parametrize("channel", ["in-app", "EMAIL", ["email"], {"email": 1}, 0, False, 1.5])
def test_what_is_no_type_is_told_the_allowed_ones(channel: object) -> None:
    assert delivery_faults(type=channel).faults == (Fault("type", "must be one of email, sms, push"),)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(5, "a number"), (1.5, "a number"), (True, "a boolean"), (["a"], "an array"), ({"a": 1}, "an object")],
)
@pytest.mark.parametrize("name", ["recipient", "message", "id"])
def test_a_wrong_json_type_is_named(name: str, value: object, kind: str) -> None:
    assert delivery_faults(**{name: value}).faults == (Fault(name, f"must be a string, got {kind}"),)


@pytest.mark.parametrize(("value", "kind"), [("x", "a string"), ([], "an array"), (0, "a number"), ("", "a string")])
def test_metadata_is_an_object(value: object, kind: str) -> None:
    assert delivery_faults(metadata=value).faults == (Fault("metadata", f"must be an object, got {kind}"),)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_metadata_holds_64_bit_integers(number: int) -> None:
    assert delivery(metadata={"n": number}).metadata == {"n": number}


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_metadata_holds_no_larger_integers(number: int) -> None:
    assert "64 bits" in str(delivery_faults(metadata={"a": [{"n": number}]}))


def test_metadata_has_no_nul_in_its_keys_but_may_have_it_in_its_texts() -> None:
    assert "NUL" in str(delivery_faults(metadata={"a": {"b\0": 1}}))
    assert delivery(metadata={"a": "b\0"}, message="a\0b").message == "a\0b"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_metadata_may_be_as_deep_as_mongodb_can_store() -> None:
    assert delivery(metadata=nested(MAX_DEPTH)).metadata == nested(MAX_DEPTH)
    assert "nested" in str(delivery_faults(metadata=nested(MAX_DEPTH + 1)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"null",
        b"[]",
        b'"email"',
        b"1",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b'{"type": "\xff"}',
        b'{"type": "\xed\xa0\x80"}',
        b'{"type": "\\ud800"}',
        b'{"type": "a\\udc00b"}',
        b'{"a": NaN}',
        b'{"a": 1e400}',
        b"[" * 100_000,
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b'{"a": ' + b"9" * 5000 + b"}",
        "{}".encode("utf-16"),
    ],
)
@pytest.mark.parametrize("check", [check_delivery, check_social])
def test_what_is_no_json_object_in_utf_8_is_called_so(check: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(NotAnObject, match="the body must be a JSON object"):
        check(body)


def test_the_references_own_message_gets_an_explanation() -> None:
    with pytest.raises(Invalid, match="jobId alone points into its sender's own database: send type, recipient"):
        check_delivery(b'{"jobId": "656f"}')


@pytest.mark.parametrize("activity", ["LIKE", "COMMENT", "SHARE", "MENTION"])
def test_a_social_event_has_actor_target_and_post(activity: Activity) -> None:
    assert social(type=activity, id="e1") == SocialBody(activity, "user1", "user2", "post1", None, "e1")
    with pytest.raises(Invalid, match=r"^type, actorId, targetId and postId are required$"):
        social(type=activity, postId=...)


@pytest.mark.parametrize("post", [..., None, "post1"])
def test_nobody_follows_a_post(post: object) -> None:
    assert social(type="FOLLOW", postId=post).post is None


@pytest.mark.parametrize("name", ["actorId", "targetId"])
@pytest.mark.parametrize("value", [..., None, ""])
def test_a_follow_needs_both_people(name: str, value: object) -> None:
    with pytest.raises(Invalid, match=r"^type, actorId and targetId are required$"):
        social(type="FOLLOW", **{name: value})


@pytest.mark.parametrize("activity", ["POKE", "like", 1, ["LIKE"], {}])
def test_an_unknown_activity_is_told_the_known_ones(activity: object) -> None:
    with pytest.raises(Invalid, match=r"^type must be one of LIKE, COMMENT, SHARE, FOLLOW, MENTION$"):
        social(type=activity)


@pytest.mark.parametrize(
    ("stated", "time"),
    [
        ("2026-01-01T00:00:00.123Z", datetime(2026, 1, 1, 0, 0, 0, 123000, UTC)),
        ("2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
        ("2026-01-01T00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        (1767225600123, datetime(2026, 1, 1, 0, 0, 0, 123000, UTC)),
        (1767225600123.9, datetime(2026, 1, 1, 0, 0, 0, 123900, UTC)),
        (None, None),
    ],
)
def test_a_timestamp_is_iso_8601_or_milliseconds(stated: object, time: datetime | None) -> None:
    assert social(timestamp=stated).time == time


@pytest.mark.parametrize("stated", ["", "yesterday", "2026-13-01", True, [], {}, 1e300, -1e300, 10**30])
def test_another_timestamp_is_refused(stated: object) -> None:
    with pytest.raises(Invalid, match="timestamp must be a time in ISO 8601"):
        social(timestamp=stated)


@given(st.binary() | near_misses.map(msgspec.json.encode) | json_values.map(msgspec.json.encode))
@example(b'{"type":"LIKE","actorId":"a","targetId":"b","postId":"c","timestamp":"0001-01-01T00:00:00+23:59"}')
def test_no_input_raises_anything_else_and_what_passes_can_be_written_again(body: bytes) -> None:
    for check in (check_delivery, check_social):
        try:
            fields = check(body)
        except (NotAnObject, Invalid):
            continue
        msgspec.json.encode(fields)
        for text in fields:
            assert not isinstance(text, str) or text.encode()
