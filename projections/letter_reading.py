"""A record of `dead-letters` or `notification-operations` in, what it says of a letter out. Pure.

What can't be read must be seen too, and can't become a dead letter, which would be read here again: it is told as a
letter under its own coordinates that only the read model holds.
"""

import logging

from projections.letters import Item, relevant
from projections.reading import STAGE, Raw
from streams import operations
from streams.clock import from_milliseconds
from streams.codec import Undecodable
from streams.letters.dead_letters import Report, Source, dead_letter, read
from streams.topics import DEAD_LETTERS

log = logging.getLogger(__name__)


def read_item(topic: str, raw: Raw) -> Item | None:
    """None for an operation that is about no letter."""
    try:
        if topic == DEAD_LETTERS:
            report = read(raw.value)
            return Item(report.id, topic, raw.offset, report)
        event = operations.read(raw.value)
    except Undecodable as error:
        return poison(topic, raw, str(error))
    done = relevant(event)
    return None if done is None else Item(done.letter, topic, raw.offset, event)


def poison(topic: str, raw: Raw, why: str) -> Item:
    """What is shown of a record that can't be read or stored."""
    log.error("%s[%d] %d can't be taken into the read model: %s", topic, raw.partition, raw.offset, why)
    record = dead_letter(
        reason="undecodable",
        stage=STAGE,
        error=why,
        source=Source(topic, raw.partition, raw.offset),
        key=raw.key,
        body=raw.value,
        time=from_milliseconds(max(raw.timestamp, 0)),
    )
    report: Report = read(record.value)
    return Item(report.id, topic, raw.offset, report)
