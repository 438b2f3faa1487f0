"""AMQP 0-9-1 on the wire, as far as we speak it: bytes in, deliveries and confirms out, and the other way round. Pure.

What every message needs (publish, deliver, confirm, acknowledge) is read and written here; pamqp does the rest.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from pamqp import commands, constants, frame
from pamqp.base import Frame
from pamqp.frame import FrameTypes

GREETING = b"AMQP\x00\x00\x09\x01"
HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
CHANNEL = 1
"""The one channel of a connection."""
FRAME_MAX = 128 * 1024
"""Bytes of a frame, its 8 of framing included: RabbitMQ's default."""

_DELIVER, _RETURN = commands.Basic.Deliver.index, commands.Basic.Return.index
_ACK, _NACK, _PUBLISH = commands.Basic.Ack.index, commands.Basic.Nack.index, commands.Basic.Publish.index
_MANDATORY = 1
_FRAME = struct.Struct(">BHI")
_INDEX = struct.Struct(">I")
_TAG_AND_BIT = struct.Struct(">QB")
_CONTENT = struct.Struct(">HHQ")
_PROPERTIES = struct.Struct(">H")
_FLAGS = _PROPERTIES.pack(
    sum(
        commands.Basic.Properties.flags[name]
        for name in ("content_type", "headers", "delivery_mode", "message_id", "timestamp", "app_id")
    )
)
_PERSISTENT = b"\2"


class Envelope(NamedTuple):
    """A message's properties, encoded, and the id among them, by which it can be told if it is returned."""

    message_id: str
    properties: bytes


class Delivery(NamedTuple):
    """A message for one of our consumers."""

    consumer: str
    tag: int
    redelivered: bool
    properties: bytes
    body: bytes


class Return(NamedTuple):
    """A mandatory message that no queue took."""

    reason: str
    properties: bytes


class Confirm(NamedTuple):
    """The broker's word on one published message, or on all up to it."""

    tag: int
    multiple: bool
    taken: bool


Read = Delivery | Return | Confirm | FrameTypes


class BrokenFrame(ValueError):
    """The peer sent what is no AMQP, or more than was agreed."""


class Reader:
    """Puts together frames from what the socket gives, and messages from frames."""

    def __init__(self) -> None:
        self._rest = b""
        self._method = b""
        self._properties = b""
        self._missing = 0
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Read]:
        """All that is complete with these bytes. Raises `BrokenFrame`, or one of pamqp's errors."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        while size - at > _FRAME.size:
            kind, _, length = _FRAME.unpack_from(data, at)
            start = at + _FRAME.size
            end = start + length
            if length > FRAME_MAX:
                raise BrokenFrame(f"expected a frame of at most {FRAME_MAX} bytes, got one of {length}")
            if end >= size:
                break
            if data[end] != constants.FRAME_END:
                raise BrokenFrame(f"expected the end of a frame, got {data[end]}")
            read = self._frame(kind, data[start:end], data[at : end + 1])
            if read is not None:
                yield read
            at = end + 1
        self._rest = data[at:]

    def _frame(self, kind: int, payload: bytes, whole: bytes) -> Read | None:
        match kind:
            case constants.FRAME_METHOD:
                return self._on_method(payload, whole)
            case constants.FRAME_HEADER:
                _, _, self._missing = _CONTENT.unpack_from(payload)
                self._properties, self._parts = payload[_CONTENT.size :], []
                return None if self._missing else self._message()
            case constants.FRAME_BODY:
                self._parts.append(payload)
                self._missing -= len(payload)
                return None if self._missing > 0 else self._message()
            case _:
                return frame.unmarshal(whole)[2]

    def _on_method(self, payload: bytes, whole: bytes) -> Read | None:
        (index,) = _INDEX.unpack_from(payload)
        if index in (_DELIVER, _RETURN):
            self._method = payload
            return None
        if index in (_ACK, _NACK):
            tag, bits = _TAG_AND_BIT.unpack_from(payload, _INDEX.size)
            return Confirm(tag, bool(bits & 1), index == _ACK)
        return frame.unmarshal(whole)[2]

    def _message(self) -> Delivery | Return:
        (index,) = _INDEX.unpack_from(self._method)
        body, self._parts = b"".join(self._parts), []
        if index == _RETURN:
            return Return(_short_text(self._method, 6)[0], self._properties)
        consumer, after = _short_text(self._method, _INDEX.size)
        tag, bits = _TAG_AND_BIT.unpack_from(self._method, after)
        return Delivery(consumer, tag, bool(bits & 1), self._properties, body)


def method(command: Frame, channel: int = CHANNEL) -> bytes:
    """The frame of a command without content."""
    return frame.marshal(command, channel)


def acknowledge(tag: int, *, multiple: bool) -> bytes:
    """The frame that tells the broker to forget a delivery, or all up to it."""
    payload = _INDEX.pack(_ACK) + _TAG_AND_BIT.pack(tag, multiple)
    return _framed(constants.FRAME_METHOD, payload)


def publish(queue: str, properties: bytes, body: bytes, frame_max: int = FRAME_MAX) -> bytes:
    """The frames of a message for a queue, to be returned if there is no such queue."""
    command = _INDEX.pack(_PUBLISH) + b"\0\0\0" + _short(queue) + bytes((_MANDATORY,))
    content = _CONTENT.pack(commands.Basic.frame_id, 0, len(body)) + properties
    room = frame_max - 8
    return b"".join(
        (
            _framed(constants.FRAME_METHOD, command),
            _framed(constants.FRAME_HEADER, content),
            *(_framed(constants.FRAME_BODY, body[at : at + room]) for at in range(0, len(body), room)),
        )
    )


def persistent_json(message_id: str, app_id: str, header: str, milliseconds: int) -> Envelope:
    """For a persistent JSON message with one header, a time in milliseconds."""
    entry = _short(header) + b"l" + struct.pack(">q", milliseconds)
    properties = b"".join(
        (
            _FLAGS,
            _short("application/json"),
            struct.pack(">I", len(entry)),
            entry,
            _PERSISTENT,
            _short(message_id),
            struct.pack(">Q", milliseconds // 1000),
            _short(app_id),
        )
    )
    return Envelope(message_id, properties)


def decode_properties(raw: bytes) -> commands.Basic.Properties:
    """The properties of a delivery or return. Raises `BrokenFrame` if they break the rules, which no broker checks."""
    properties = commands.Basic.Properties()
    try:
        properties.unmarshal(_PROPERTIES.unpack_from(raw)[0], raw[_PROPERTIES.size :])
    except Exception as error:
        raise BrokenFrame(f"expected AMQP properties: {error}") from error
    return properties


def _framed(kind: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, CHANNEL, len(payload)) + payload + b"\xce"


def _short(text: str) -> bytes:
    raw = text.encode()
    return bytes((len(raw),)) + raw


def _short_text(data: bytes, at: int) -> tuple[str, int]:
    """A short string and where it ends."""
    end = at + 1 + data[at]
    return data[at + 1 : end].decode(), end
