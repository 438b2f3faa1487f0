"""The wire form: every event survives it, what is no event is told apart from what is too new."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import codec, events
from streams.events import KINDS, Body, Event, Origin, Personal, Request

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS, st.lists)
REQUESTS = st.builds(
    Request,
    st.sampled_from(events.CHANNELS),
    WORDS,
    st.integers(1, 9),
    st.builds(Personal, WORDS, WORDS, st.none() | st.dictionaries(WORDS, JSON), st.none() | WORDS, st.none() | WORDS),
    st.none() | st.sampled_from(events.ACTIVITIES),
    st.none() | st.sampled_from(["transactional", "promotional"]),
)
NUMBERS = st.integers(1, 1000)
ORIGINS = st.builds(Origin, NUMBERS, NUMBERS)
BODIES: dict[type[object], st.SearchStrategy[Any]] = {
    events.Requested: st.builds(events.Requested, REQUESTS),
    events.Accepted: st.builds(events.Accepted, REQUESTS, st.just("transactional"), ORIGINS),
    events.Suppressed: st.builds(
        events.Suppressed, REQUESTS, st.just("promotional"), ORIGINS, st.just("duplicate"), st.none() | WORDS
    ),
    events.Repeated: st.builds(events.Repeated, ORIGINS),
    events.PolicySet: st.builds(
        events.PolicySet, st.sampled_from(["actor", "type"]), WORDS, NUMBERS, st.none() | NUMBERS
    ),
    events.CoolOffLifted: st.builds(events.CoolOffLifted, WORDS, NUMBERS),
    events.Noted: st.builds(
        events.Noted, ORIGINS, st.none() | st.builds(events.PolicySet, st.just("recipient"), WORDS, NUMBERS)
    ),
    events.PreferencesSet: st.builds(
        events.PreferencesSet,
        NUMBERS,
        st.builds(events.PersonalPreferences, WORDS, st.lists(WORDS).map(tuple)),
        st.lists(st.sampled_from(events.ACTIVITIES)).map(tuple),
        st.lists(st.sampled_from(events.CHANNELS)).map(tuple),
        st.none() | st.builds(events.QuietHours, st.just("22:00"), st.just("07:30"), WORDS, st.booleans()),
    ),
    events.Withheld: st.builds(events.Withheld, st.integers(0, 9), st.just("type-off"), WORDS),
    events.Held: st.builds(events.Held, NUMBERS, st.integers(0, 9), TIMES, WORDS),
    events.Queued: st.builds(events.Queued, NUMBERS, WORDS, st.none() | WORDS),
    events.Sending: st.builds(events.Sending, NUMBERS, TIMES, WORDS),
    events.Sent: st.builds(events.Sent, NUMBERS),
    events.SendFailed: st.builds(events.SendFailed, NUMBERS, WORDS),
    events.SendDeferred: st.builds(events.SendDeferred, NUMBERS, TIMES),
    events.RetryScheduled: st.builds(events.RetryScheduled, NUMBERS, TIMES, NUMBERS, WORDS),
    events.Failed: st.builds(events.Failed, NUMBERS, NUMBERS, WORDS),
    events.SendLost: st.builds(events.SendLost, NUMBERS),
    events.CameDue: st.builds(events.CameDue, NUMBERS, st.sampled_from(get_args(events.Obligation)), st.integers(0, 9)),
    events.Acknowledged: st.just(events.Acknowledged()),
    events.Settled: st.builds(events.Settled, NUMBERS),
    events.RedeliveryRequested: st.builds(
        events.RedeliveryRequested, WORDS, WORDS, WORDS, NUMBERS, st.just("promotional"), REQUESTS
    ),
    events.RedeliveryRefused: st.builds(
        events.RedeliveryRefused, WORDS, st.sampled_from(["under-way", "too-old"]), st.none() | WORDS
    ),
    events.Attempt: st.builds(events.Attempt, NUMBERS, REQUESTS, NUMBERS),
}
EVENTS = st.builds(Event, st.one_of(*BODIES.values()), WORDS, TIMES, WORDS, WORDS, st.none() | WORDS, WORDS)
SENT = Event(events.Sent(2), "n", datetime(2026, 1, 1, tzinfo=UTC), "deliver", "c", "n:sending:2")


@given(EVENTS)
def test_every_event_survives_its_wire_form(event: Event[Body]) -> None:
    assert codec.decode(codec.encode(event)) == event


def test_every_kind_of_event_is_tried_above() -> None:
    assert set(BODIES) == set(KINDS)


def test_the_wire_form_is_cloudevents_1_0() -> None:
    assert orjson.loads(codec.encode(SENT)) == {
        "specversion": "1.0",
        "id": "n:sent:2",
        "source": "deliver",
        "type": "tidings.notification.sent.v1",
        "subject": "n",
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "correlationid": "c",
        "causationid": "n:sending:2",
        "tenant": "default",
        "data": {"dispatch": 2},
    }


def test_what_identifies_people_stands_together() -> None:
    personal = Personal("ada@example.org", "hello", {"k": 1}, "bob", "post1")
    request = Request("in-app", "key", 5, personal, "LIKE")
    event = Event(events.Requested(request), "n", SENT.time, "bridge", "n")
    data = orjson.loads(codec.encode(event))["data"]["request"]
    assert data.pop("personal").keys() == {"recipient", "message", "metadata", "actor", "post"}
    assert data == {"channel": "in-app", "recipientKey": "key", "maxAttempts": 5, "activity": "LIKE"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"type": 7}',
        b'{"data": ' * 10_000,
        codec.encode(SENT)[:-1],
        codec.encode(SENT).replace(b'"n"', b'"\xff"'),
        codec.encode(SENT).replace(b'{"dispatch":2}', b'{"dispatch":"2"}'),
        codec.encode(SENT).replace(b'{"dispatch":2}', b'{"dispatch":0}'),
        codec.encode(SENT).replace(b'{"dispatch":2}', b"{}"),
        codec.encode(SENT).replace(b"tidings.notification.", b"somebody.elses."),
        codec.encode(SENT).replace(b"2026-01-01T00:00:00Z", b"2026-01-01T00:00:00"),
        codec.encode(SENT).replace(b"2026-01-01T00:00:00Z", b"9999-12-31T23:59:59-01:00"),
        codec.encode(SENT).replace(b"2026-01-01T00:00:00Z", b"0001-01-01T00:00:00+01:00"),
    ],
)
def test_what_is_no_event_of_ours_is_undecodable(value: bytes | None) -> None:
    with pytest.raises(codec.Undecodable, match="expected"):
        codec.decode(value)


def test_a_time_of_another_zone_is_read_in_utc() -> None:
    event = codec.decode(codec.encode(SENT).replace(b"2026-01-01T00:00:00Z", b"2026-01-01T02:00:00+02:00"))
    assert (event, event.time.tzinfo) == (SENT, UTC)


@pytest.mark.parametrize("kind", [b"sent.v2", b"vanished.v1"])
def test_an_event_of_a_newer_program_is_told_apart_and_says_what_to_do(kind: bytes) -> None:
    with pytest.raises(codec.UnknownType, match="upgrade"):
        codec.decode(codec.encode(SENT).replace(b"sent.v1", kind))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(value: bytes) -> None:
    with pytest.raises(codec.Undecodable):
        codec.decode(value)


def test_an_event_caused_by_another_keeps_its_story_together() -> None:
    later = SENT.then(events.Acknowledged(), "gateway", SENT.time + timedelta(seconds=1))
    assert (later.notification, later.correlation, later.causation) == ("n", "c", "n:sent:2")
    assert later.time == SENT.time + timedelta(seconds=1)
