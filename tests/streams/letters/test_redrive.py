import base64
from datetime import UTC, datetime

import pytest

from streams import codec
from streams.events import Event, Sent
from streams.intake.amqp_wire import Delivery, persistent_json
from streams.intake.records import to_message
from streams.intake.requests import API, TIME_HEADER, Message, properties
from streams.letters.dead_letters import KEPT_WHOLE, Letter, Properties, Source, dead_letter, read
from streams.letters.redrive import Mail, RedriveRefused, back
from streams.record import Record

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
EVENT: Event[Sent] = Event(Sent(1), "n-1", NOW, "deliver", "n-1")
LOG, QUEUE = Source("notification-events", 3, 42), Source("notification-jobs")


def letter(source: Source, body: bytes | None, key: bytes | None = None, known: Properties | None = None) -> Letter:
    record = dead_letter(
        reason="rule-failed", stage="s", error="e", source=source, key=key, body=body, time=NOW, properties=known
    )
    return read(record.value).letter


def received(mail: Mail) -> Message:
    """As the bridge sees it when it is delivered."""
    return to_message(Delivery(mail.queue, 1, redelivered=False, properties=mail.envelope.properties, body=mail.body))


def test_a_record_goes_back_into_its_partition_under_its_key_and_with_its_event_s_id() -> None:
    value = codec.encode(EVENT)
    assert back(letter(LOG, value, b"ada")) == Record("notification-events", b"ada", value, 3, EVENT.id)


@pytest.mark.parametrize("value", [b"\xff", None, b"{}"])
def test_what_is_no_event_goes_back_as_it_was(value: bytes | None) -> None:
    assert back(letter(LOG, value)) == Record("notification-events", None, value, 3, "")


@pytest.mark.parametrize(
    "known",
    [
        Properties(),
        Properties("m-1", "shop", "c-1", NOW, None),
        Properties("m-1", API, None, NOW, 1_777_896_000_123),
        Properties(time=-5),
    ],
)
def test_a_message_goes_back_with_all_it_is_known_by(known: Properties) -> None:
    mail = back(letter(QUEUE, b"{}", known=known))
    assert isinstance(mail, Mail)
    assert (mail.queue, mail.body, mail.envelope.message_id) == ("notification-jobs", b"{}", known.message_id or "")
    assert properties(received(mail)) == known


def test_what_our_api_published_survives_the_whole_way() -> None:
    envelope = persistent_json("m-1", API, TIME_HEADER, 1_777_896_000_123)
    first = to_message(Delivery("notification-jobs", 1, redelivered=True, properties=envelope.properties, body=b"{}"))
    mail = back(letter(QUEUE, first.body, known=properties(first)))
    assert isinstance(mail, Mail)
    again = received(mail)
    assert (properties(again), again.redelivered) == (properties(first), False)


def test_a_message_whose_properties_could_not_be_read_goes_back_without() -> None:
    mail = back(letter(QUEUE, b"{}"))
    assert isinstance(mail, Mail)
    assert properties(received(mail)) == Properties()


@pytest.mark.parametrize("source", [LOG, QUEUE])
def test_an_original_that_was_too_large_to_keep_is_refused(source: Source) -> None:
    large = b"x" * (KEPT_WHOLE + 1)
    with pytest.raises(RedriveRefused, match=r"its 262145 bytes were too many to keep.* sha256 [0-9a-f]{64}"):
        back(letter(source, large))


@pytest.mark.parametrize(
    "source", [Source("dead-letters", 0, 1), Source("notification-operations", 0, 1), Source("elsewhere")]
)
def test_what_came_from_where_nothing_is_put_back_is_refused(source: Source) -> None:
    with pytest.raises(RedriveRefused, match="nothing is put back into: drop it"):
        back(letter(source, b"{}"))


def test_a_letter_says_what_it_says_after_the_wire() -> None:
    told = letter(QUEUE, b"\xff", b"k", Properties("m", timestamp=NOW))
    assert base64.b64decode(told.original or "") == b"\xff"
    assert told.properties == Properties("m", timestamp=NOW)
