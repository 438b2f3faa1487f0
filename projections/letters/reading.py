"""A record of `dead-letters` or `notification-operations` in, what it says of a letter out. Pure.

What can't be read must be seen too, and can't become a dead letter, which would be read here again: it is told as a
letter under its own coordinates that only the read model holds.
"""

import logging

from projections.letters.letters import Item, relevant
from projections.reading import STAGE, Raw
from streams import operations
from streams.clock import from_milliseconds
from streams.codec import Undecodable
from streams.letters.dead_letters import Report, letter_about, read
from streams.topics import DEAD_LETTERS

log = logging.getLogger(__name__)


def read_item(raw: Raw) -> Item | None:
    """None for an operation that is about no letter."""
    try:
        if raw.topic == DEAD_LETTERS:
            report = read(raw.value)
            return Item(report.id, raw.topic, raw.offset, report)
        event = operations.read(raw.value)
    except Undecodable as error:
        return poison(raw, str(error))
    done = relevant(event)
    return None if done is None else Item(done.letter, raw.topic, raw.offset, event)


def poison(raw: Raw, why: str) -> Item:
    """What is shown of a record that can't be read or stored."""
    log.error("%s[%d] %d can't be taken into the read model: %s", raw.topic, raw.partition, raw.offset, why)
    record = letter_about(raw, "undecodable", STAGE, why, from_milliseconds(max(raw.timestamp, 0)))
    report: Report = read(record.value)
    return Item(report.id, raw.topic, raw.offset, report)
