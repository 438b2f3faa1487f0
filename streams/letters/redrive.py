"""A dead letter in; out comes the record or message that puts its original back where it came from, as it was. Pure."""

from typing import NamedTuple

from pamqp import commands

from streams import codec
from streams.intake.amqp_wire import Envelope
from streams.intake.requests import API, TIME_HEADER
from streams.letters.dead_letters import Letter, Properties, Source, unpacked
from streams.record import Record
from streams.topics import EVENTS, LANES, QUEUES, REQUESTS

TOPICS = (REQUESTS, EVENTS, *LANES)
"""What our processors read, and so may be given again."""
PERSISTENT = 2


class RedriveRefused(ValueError):
    """Not to be redriven; the text says why, and what is left."""


class Mail(NamedTuple):
    """A message for a queue."""

    queue: str
    envelope: Envelope
    body: bytes


def back(letter: Letter) -> Record | Mail:
    """What puts it back: into the same partition under the same key, or onto the queue with what it is known by.

    Raises `RedriveRefused`. A record that is an event has the event's id, as at first, so that whoever took it before,
    or gets it twice, drops it.
    """
    if obstacle := why_not(letter.source, letter.size if letter.truncated else 0, letter.sha256):
        raise RedriveRefused(obstacle)
    body, source = unpacked(letter.original), letter.source
    if source.partition is None:
        return Mail(source.name, _envelope(letter.properties or Properties()), body or b"")
    return Record(source.name, unpacked(letter.key), body, source.partition, _event_id(body))


def why_not(source: Source, lost: int, sha256: str) -> str | None:
    """What stands in the way of redriving, if anything; `lost`: the size of an original that was too large to keep."""
    if source.name not in (QUEUES if source.partition is None else TOPICS):
        return f"it came from {source.name}, which nothing is put back into: drop it"
    if lost:
        return (
            f"its {lost} bytes were too many to keep: there are the first of them, and sha256 {sha256} to know the "
            "original by; have its producer send it again, or drop the letter"
        )
    return None


def _event_id(body: bytes | None) -> str:
    try:
        return codec.decode(body).id
    except (codec.Undecodable, codec.UnknownType):
        return ""


def _envelope(known: Properties) -> Envelope:
    """Trap: other properties of the original are left out, since RabbitMQ acts on some (`user_id`, CC, expiry)."""
    properties = commands.Basic.Properties(
        content_type="application/json" if known.app_id == API else None,
        headers=None if known.time is None else {TIME_HEADER: known.time},
        delivery_mode=PERSISTENT,
        correlation_id=known.correlation_id,
        message_id=known.message_id,
        timestamp=known.timestamp,
        app_id=known.app_id,
    )
    return Envelope(known.message_id or "", properties.marshal())
