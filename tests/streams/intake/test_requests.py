"""Messages become requests: whose id and time count, what is refused and why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.codec import MAX_REQUEST_BYTES, decode, encode
from streams.events import Event, Personal, Request, Requested
from streams.intake.names import Names
from streams.intake.requests import API, CLOCK_TOLERANCE, Message, RequestRefused, recipient_key, record_key, requested
from streams.settings import Settings
from streams.topics import JOBS_QUEUE, SOCIAL_QUEUE

NOW = datetime(2026, 1, 1, 12, 0, 0, 500000, UTC)
SETTINGS = Settings(_env_file=None)
HORIZON = timedelta(seconds=SETTINGS.id_horizon)
EMAIL = {"type": "email", "recipient": "ada@example.org", "message": "hello"}
LIKE = {"type": "LIKE", "actorId": "user1", "targetId": "user2", "postId": "post1"}


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def email(body: dict[str, Any] | None = None, **envelope: Any) -> Event[Requested]:  # noqa: ANN401 - as Message has them
    return requested(Message(JOBS_QUEUE, json.dumps(EMAIL | (body or {})).encode(), **envelope), NOW, SETTINGS)


def like(body: dict[str, Any] | None = None, **envelope: Any) -> Event[Requested]:  # noqa: ANN401
    return requested(Message(SOCIAL_QUEUE, json.dumps(LIKE | (body or {})).encode(), **envelope), NOW, SETTINGS)


def refusal(message: Message) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        requested(message, NOW, SETTINGS)
    return caught.value


def test_a_delivery_becomes_a_request() -> None:
    event = email({"metadata": {"order": 1}, "priority": "promotional"}, message_id="m1", correlation_id="c1")
    personal = Personal("ada@example.org", "hello", {"order": 1})
    key = recipient_key("ada@example.org", "tidings-local")
    assert event == Event(
        Requested(Request("email", key, 5, personal, None, "promotional")), "m1", NOW, "bridge", "c1", None, "default"
    )
    assert decode(encode(event)) == event


def test_a_social_event_becomes_an_in_app_request_with_its_text() -> None:
    event = like(message_id="m1")
    personal = Personal("user2", "user1 liked your post titled 'unknown'", None, "user1", "post1")
    key = recipient_key("user2", "tidings-local")
    assert event.body == Requested(Request("in-app", key, 5, personal, "LIKE"))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("LIKE", "Ada liked your post titled 'Tides'"),
        ("COMMENT", "Ada commented on your post titled 'Tides'"),
        ("SHARE", "Ada shared your post titled 'Tides'"),
        ("FOLLOW", "Ada started following you"),
        ("MENTION", "Ada mentioned you in the post titled 'Tides'"),
    ],
)
def test_the_text_has_the_name_and_title_that_are_known(kind: str, message: str) -> None:
    names = Names({"user1": "Ada", "user2": "Grace"}, {"post1": "Tides"})
    event = requested(Message(SOCIAL_QUEUE, json.dumps(LIKE | {"type": kind}).encode()), NOW, SETTINGS, names)
    personal = event.body.request.personal
    assert (personal.message, personal.actor, personal.recipient) == (message, "user1", "user2")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (Names({"post1": "Ada"}, {"user1": "Tides"}), "user1 liked your post titled 'unknown'"),
        (Names({"user1": "Ada"}), "Ada liked your post titled 'unknown'"),
        (Names({}, {"post1": "Tides"}), "user1 liked your post titled 'Tides'"),
    ],
)
def test_the_id_stands_for_an_unknown_actor_and_unknown_for_a_title(names: Names, message: str) -> None:
    event = requested(Message(SOCIAL_QUEUE, json.dumps(LIKE).encode()), NOW, SETTINGS, names)
    assert event.body.request.personal.message == message


def test_attempts_are_those_of_the_settings() -> None:
    settings = SETTINGS.model_copy(update={"max_attempts": 2})
    event = requested(Message(JOBS_QUEUE, json.dumps(EMAIL).encode()), NOW, settings)
    assert event.body.request.max_attempts == 2


def test_without_a_correlation_the_notification_is_its_own_story() -> None:
    assert email(message_id="m1").correlation == "m1"


def test_social_requests_are_keyed_by_actor_and_others_by_themselves() -> None:
    assert record_key(like({"actorId": "Zoë"})) == "Zoë".encode()
    assert record_key(email(message_id="m1")) == b"m1"


def test_a_recipients_key_says_nothing_without_the_secret() -> None:
    assert recipient_key("ada", "s") == "d0467f86cb07252258d28f34fe781cf6"
    assert recipient_key("ada", "s") != recipient_key("ada", "t")


class TestIds:
    def test_the_bodys_id_comes_before_the_messages(self) -> None:
        assert email({"id": "b1"}, message_id="m1").notification == "b1"
        assert like({"id": "b1"}, message_id="m1").notification == "b1"

    def test_a_message_of_the_api_has_its_id_in_the_envelope_only(self) -> None:
        assert email({"id": "b1"}, message_id="m1", app_id=API).notification == "m1"

    def test_without_any_id_the_content_is_the_id(self) -> None:
        first, again, other = email(), email(), email({"message": "bye"})
        assert UUID(first.notification)
        assert first.notification == again.notification != other.notification

    @pytest.mark.parametrize("given_id", ["a", "A-Z_0.9~", "x" * 128, "..a"])
    def test_an_id_that_can_stand_in_a_url_stays_as_it_is(self, given_id: str) -> None:
        assert email(message_id=given_id).notification == given_id

    @pytest.mark.parametrize(
        "given_id", ["x" * 129, "a/b", "a b", "ä", "٣", "a%20", "a\n", ".", "..", "...", "a:b", "\0"]
    )
    def test_any_other_id_becomes_one_always_the_same(self, given_id: str) -> None:
        event = email(message_id=given_id)
        assert str(UUID(event.notification)) == event.notification == email({"id": given_id}).notification

    def test_an_empty_id_is_none(self) -> None:
        assert email({"id": ""}, message_id="").notification == email({"id": ""}).notification


class TestTime:
    def test_the_apis_time_counts_to_the_millisecond_however_old(self) -> None:
        sent = NOW - timedelta(days=3, milliseconds=7)
        assert email(app_id=API, message_id="m", time=milliseconds(sent)).time == sent

    @pytest.mark.parametrize("time", [None, "soon", 10**30, -(10**30), 1.5, b"1"])
    def test_a_broken_time_of_the_api_is_none(self, time: object) -> None:
        assert email(app_id=API, message_id="m", time=time).time == NOW

    def test_the_header_of_another_producer_does_not_count(self) -> None:
        assert email(app_id="other", time=milliseconds(NOW - timedelta(days=1))).time == NOW

    @pytest.mark.parametrize("off", [timedelta(0), CLOCK_TOLERANCE, -CLOCK_TOLERANCE])
    def test_another_producers_time_counts_if_its_clock_may_be_right(self, off: timedelta) -> None:
        assert email(timestamp=NOW + off).time == NOW + off
        assert like({"timestamp": (NOW + off).isoformat()}).time == NOW + off
        assert like({"timestamp": milliseconds(NOW + off)}).time == NOW + off

    @pytest.mark.parametrize("off", [CLOCK_TOLERANCE, -CLOCK_TOLERANCE])
    def test_else_the_receipt_counts(self, off: timedelta) -> None:
        beyond = NOW + off * 1.00001
        assert email(timestamp=beyond).time == NOW
        assert like({"timestamp": beyond.isoformat()}).time == NOW

    def test_a_social_events_own_time_comes_before_the_messages(self) -> None:
        stated = NOW - timedelta(seconds=1, milliseconds=1)
        assert like({"timestamp": stated.isoformat()}, timestamp=NOW.replace(microsecond=0)).time == stated

    def test_times_are_cut_to_the_millisecond_and_utc(self) -> None:
        time = like({"timestamp": "2026-01-01T13:00:00.123999+01:00"}).time
        assert time == datetime(2026, 1, 1, 12, 0, 0, 123000, UTC)
        assert time.tzinfo is UTC

    @pytest.mark.parametrize("stated", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
    def test_the_ends_of_time_are_harmless(self, stated: str) -> None:
        assert like({"timestamp": stated}).time == NOW
        assert like({"timestamp": stated}, app_id=API, message_id="m").time == NOW


class TestRefusals:
    def test_one_size_limit_for_all(self) -> None:
        room = MAX_REQUEST_BYTES - len(json.dumps(EMAIL | {"message": ""}))
        assert email({"message": "x" * room}).body.request.personal.message == "x" * room
        body = json.dumps(EMAIL | {"message": "x" * (room + 1)}).encode()
        refused = refusal(Message(JOBS_QUEUE, body))
        assert (refused.reason, str(refused)) == ("oversized", "262145 bytes, more than the 262144 a request may have")

    def test_no_json(self) -> None:
        assert refusal(Message(JOBS_QUEUE, b"\xff")).reason == "undecodable"

    def test_no_request(self) -> None:
        refused = refusal(Message(JOBS_QUEUE, b'{"type": "fax"}'))
        assert (refused.reason, str(refused)) == ("invalid", "type, recipient and message are required")

    def test_each_queue_has_its_own_schema(self) -> None:
        assert refusal(Message(JOBS_QUEUE, json.dumps(LIKE).encode())).reason == "invalid"
        assert refusal(Message(SOCIAL_QUEUE, json.dumps(EMAIL).encode())).reason == "invalid"

    def test_properties_that_broke_the_rules(self) -> None:
        refused = refusal(Message(JOBS_QUEUE, json.dumps(EMAIL).encode(), unreadable="not UTF-8"))
        assert (refused.reason, str(refused)) == ("undecodable", "not UTF-8")


class TestRedeliveries:
    def test_within_the_horizon_pass(self) -> None:
        sent = NOW - HORIZON
        assert email(app_id=API, message_id="m", time=milliseconds(sent), redelivered=True).time == sent
        assert email(timestamp=sent, redelivered=True).time == NOW

    @pytest.mark.parametrize("first_time", [True, False])
    def test_beyond_it_nobody_can_tell_whether_they_are_known(self, first_time: bool) -> None:
        sent = NOW - HORIZON - timedelta(milliseconds=1)
        jobs, social = json.dumps(EMAIL).encode(), json.dumps(LIKE | {"timestamp": sent.isoformat()}).encode()
        for message in (
            Message(JOBS_QUEUE, jobs, "m", API, time=milliseconds(sent), redelivered=not first_time),
            Message(JOBS_QUEUE, jobs, timestamp=sent, redelivered=not first_time),
            Message(SOCIAL_QUEUE, social, redelivered=not first_time),
        ):
            if first_time:
                assert requested(message, NOW, SETTINGS)
            else:
                assert refusal(message).reason == "too-old"

    def test_without_a_time_pass(self) -> None:
        assert email(redelivered=True).time == NOW


texts = st.text(max_size=30)


@given(
    st.builds(
        Message,
        st.sampled_from([JOBS_QUEUE, SOCIAL_QUEUE]),
        st.binary()
        | st.sampled_from([EMAIL, LIKE]).flatmap(
            lambda good: st.dictionaries(st.sampled_from([*good, "id", "timestamp"]), texts | st.integers()).map(
                lambda changes: json.dumps(good | changes).encode()
            )
        ),
        st.none() | texts,
        st.none() | st.just(API) | texts,
        st.none() | texts,
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.none() | st.integers() | texts | st.floats(),
        st.booleans(),
        st.none() | texts,
    )
)
def test_every_message_is_a_request_or_refused(message: Message) -> None:
    try:
        event = requested(message, NOW, SETTINGS)
    except RequestRefused:
        return
    assert decode(encode(event)) == event
    assert record_key(event)
    assert event.time.microsecond % 1000 == 0
