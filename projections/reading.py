"""A record of the log in; an event, a dead letter, or nothing (a kind that is not known here yet) out. Pure."""

import logging
from collections.abc import Iterable
from typing import NamedTuple, Protocol, get_args

from msgspec.structs import replace

from projections.position import Place, Position
from streams.clock import from_milliseconds
from streams.codec import Undecodable, UnknownType, decode
from streams.events import KINDS, Body, Event, Fact
from streams.letters.dead_letters import Consumed, Reason, letter_about
from streams.record import Record

log = logging.getLogger(__name__)

STAGE = "projections"
FACTS = get_args(Fact)
"""What the log may hold: other kinds go on other topics."""
ASTRAY = "expected an event of a notification that the log accepted or suppressed before, in the same partition"
"""Why an event moves nothing; its line of the story is written all the same."""


class Raw(Consumed, Protocol):
    """A consumed record, as far as it matters here; `timestamp` in milliseconds since 1970."""

    @property
    def timestamp(self) -> int: ...  # noqa: D102


class Item(NamedTuple):
    """An event and where it lies."""

    event: Event[Body]
    place: Place


class Sorted(NamedTuple):
    """Records that were taken together, by what could be read of them. `reached` is the last offset by partition."""

    items: list[Item]
    letters: list[tuple[Raw, Record]]
    unknown: list[Raw]
    """Events of a newer program, which a read model does without; its position says how many."""
    reached: dict[int, int]

    def moved(self, partition: int, old: Position) -> Position:
        """The position of a fold that has taken these in, too."""
        skipped = sum(one.partition == partition and one.offset > old.offset for one in self.unknown)
        return replace(old, offset=self.reached[partition], skipped=old.skipped + skipped)


def sort_out(records: Iterable[Raw]) -> Sorted:
    """These records; says in the log how many can only be skipped."""
    found = Sorted([], [], [], {})
    for record in records:
        found.reached[record.partition] = record.offset
        match read(record):
            case Item() as item:
                found.items.append(item)
            case None:
                found.unknown.append(record)
            case dead:
                found.letters.append((record, dead))
    if found.unknown:
        log.warning("%d events of types that are not known here were skipped", len(found.unknown))
    return found


def read(raw: Raw) -> Item | Record | None:
    """The event; or its dead letter; or None for an event of a newer program, which a read model does without."""
    try:
        event = decode(raw.value)
    except Undecodable as error:
        return letter(raw, "undecodable", str(error))
    except UnknownType:
        return None
    if not isinstance(event.body, FACTS):
        return letter(raw, "invalid", f"expected a fact, got {KINDS[type(event.body)]!r}, which goes on another topic")
    return Item(event, Place(raw.partition, raw.offset))


def letter(raw: Raw, reason: Reason, error: str) -> Record:
    """The dead letter of a record; the same one however often the record is read."""
    return letter_about(raw, reason, STAGE, error, from_milliseconds(raw.timestamp))
