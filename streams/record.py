"""What a Kafka record is to our programs: pure data, so that rules can return records and tests compare them."""

from collections.abc import Iterable
from typing import NamedTuple

from streams.codec import encode
from streams.events import Body, Event
from streams.topics import MAX_RECORD_BYTES

ENVELOPE_BYTES = 256
"""More than a record batch, its one record's framing and the header's name add to key, value and id."""


class Oversized(ValueError):
    """A record above `MAX_RECORD_BYTES`: no broker would take it, so nothing of its batch was sent."""


class Record(NamedTuple):
    """A record to be written. `value` None is a tombstone; `partition` None leaves the choice to the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    id: str = ""
    """Goes to the header `id`: what readers drop repeats by, without decoding the value."""

    @classmethod
    def of(cls, event: Event[Body], topic: str, key: bytes, partition: int | None = None) -> "Record":
        """An event in its wire form, ready for a topic."""
        return cls(topic, key, encode(event), partition, event.id)


def check_size(records: Iterable[Record]) -> None:
    """Raises `Oversized` for the first record that no broker would take."""
    for record in records:
        size = ENVELOPE_BYTES + len(record.key or b"") + len(record.value or b"") + 4 * len(record.id)
        if size > MAX_RECORD_BYTES:
            raise Oversized(
                f"expected at most {MAX_RECORD_BYTES} bytes, got {size} in record {record.id!r} "
                f"for {record.topic} (key {record.key!r}): split it, or send it to the dead letters"
            )
