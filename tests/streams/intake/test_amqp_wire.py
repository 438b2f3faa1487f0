"""Our frames against pamqp's, in pieces of any size."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, frame, header
from pamqp.heartbeat import Heartbeat

from streams.intake import amqp_wire as wire
from streams.intake.amqp_wire import BrokenFrame, Confirm, Delivery, Read, Reader, Return


def marshalled(*frames: object) -> bytes:
    return b"".join(frame.marshal(one, 1) for one in frames)  # type: ignore[arg-type]


def content(properties: commands.Basic.Properties, text: bytes, pieces: int = 1) -> bytes:
    size = max(1, -(-len(text) // pieces))
    parts = [body.ContentBody(text[at : at + size]) for at in range(0, len(text), size)]
    return marshalled(header.ContentHeader(0, len(text), properties), *parts)


def read(data: bytes, step: int = 1_000_000) -> list[Read]:
    reader = Reader()
    return [one for at in range(0, len(data), step) for one in reader.feed(data[at : at + step])]


DELIVERED = marshalled(
    commands.Basic.Deliver("queue", 2**40, redelivered=True, exchange="", routing_key="queue")
) + content(commands.Basic.Properties(message_id="m1"), b"some text", 3)


@pytest.mark.parametrize("step", [1, 2, 7, 1_000_000])
def test_messages_and_confirms_are_read_from_pieces_of_any_size(step: int) -> None:
    data = DELIVERED + marshalled(commands.Basic.Ack(7, multiple=True), commands.Basic.Nack(8)) + DELIVERED
    first, ack, nack, second = read(data, step)
    assert first == second
    assert isinstance(first, Delivery)
    assert first[:3] + first[4:] == ("queue", 2**40, True, b"some text")
    assert wire.decode_properties(first.properties).message_id == "m1"
    assert (ack, nack) == (Confirm(7, multiple=True, taken=True), Confirm(8, multiple=False, taken=False))


def test_a_message_may_be_empty() -> None:
    data = marshalled(commands.Basic.Deliver("queue", 1, exchange="", routing_key="queue")) + content(
        commands.Basic.Properties(), b""
    )
    [delivery] = read(data)
    assert isinstance(delivery, Delivery)
    assert (delivery.redelivered, delivery.body) == (False, b"")


def test_a_returned_message_tells_why() -> None:
    properties = commands.Basic.Properties(message_id="m1")
    data = marshalled(commands.Basic.Return(312, "NO_ROUTE", "", "queue")) + content(properties, b"body")
    [returned] = read(data)
    assert isinstance(returned, Return)
    assert (returned.reason, wire.decode_properties(returned.properties).message_id) == ("NO_ROUTE", "m1")


def test_all_else_is_left_to_pamqp() -> None:
    close, beat = read(marshalled(commands.Connection.Close(320, "bye", 0, 0)) + wire.HEARTBEAT, 3)
    assert isinstance(close, commands.Connection.Close)
    assert (close.reply_text, isinstance(beat, Heartbeat)) == ("bye", True)


@pytest.mark.parametrize(
    "data",
    [b"AMQP\x00\x00\x09\x01", b"HTTP/1.1 400 Bad Request", b"\x01\x00\x01\x00\x02\x00\x01", DELIVERED[:-1] + b"x"],
)
def test_what_is_no_amqp_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenFrame):
        read(data + b"\0" * 10)


@given(st.binary(max_size=300), st.integers(1, 100))
def test_a_publish_is_what_pamqp_would_send(text: bytes, room: int) -> None:
    message_id, properties = wire.persistent_json("m1", "app", "time", 1767225600123)
    sent = wire.publish("queue", properties, text, room + 8)
    pieces = [body.ContentBody(text[at : at + room]) for at in range(0, len(text), room)]
    expected = commands.Basic.Properties(
        content_type="application/json",
        headers={"time": 1767225600123},
        delivery_mode=2,
        message_id="m1",
        timestamp=datetime(2026, 1, 1, tzinfo=UTC),
        app_id="app",
    )
    command = commands.Basic.Publish(exchange="", routing_key="queue", mandatory=True)
    assert sent == marshalled(command, header.ContentHeader(0, len(text), expected), *pieces)
    assert wire.decode_properties(properties) == expected
    assert message_id == "m1"


@pytest.mark.parametrize("multiple", [True, False])
def test_an_acknowledgement_is_what_pamqp_would_send(multiple: bool) -> None:
    assert wire.acknowledge(2**40, multiple=multiple) == marshalled(commands.Basic.Ack(2**40, multiple=multiple))


@given(st.binary())
def test_properties_are_read_or_refused(raw: bytes) -> None:
    with suppress(BrokenFrame):
        wire.decode_properties(raw)
