"""Records that retention removed before they were read: how a reader that was away finds out, and what it may do.

A reader refuses to go on past a gap, and goes on only when told to (`ACCEPT_GAPS`), with the gap on record. It never
goes on where a topic ends before what was read of it: the offsets in between are given out again, to other records.
The rules are pure; `pass_over` goes by them, and `by_user` asks the system who we are.
"""

import getpass
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from streams import clock
from streams.exits import Refused
from streams.operations import Event, GapAccepted, to_record
from streams.record import Record
from streams.topics import LANES

log = logging.getLogger(__name__)

WHY = "ACCEPT_GAPS"
"""What an operator has set, in place of words of theirs."""


class Writer(Protocol):
    """Such as `Publisher`."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Returns when the broker has all records."""


@dataclass(frozen=True, slots=True)
class Gap:
    """`topic[partition]` lacks the offsets from `first` up to `until` (exclusive)."""

    topic: str
    partition: int
    first: int
    until: int

    def __str__(self) -> str:
        return (
            f"{self.topic}[{self.partition}]: the records from offset {self.first} to {self.until - 1} "
            f"({self.until - self.first} of them) were removed before they were read"
        )

    @property
    def advice(self) -> str:
        """What to do about it."""
        accept = "ACCEPT_GAPS=true goes on after them, with the gap on record"
        if self.topic in LANES:
            return f"{accept}; nothing is lost by it: what was not dispatched is queued again"
        return f"restore them from a backup, or {accept}: what they said is lost"


async def pass_over(gaps: Sequence[Gap], stage: str, publisher: Writer, *, accept: bool) -> None:
    """Returns when it is on record that this stage goes on after them. Raises `Refused` unless told to `accept`."""
    for gap in gaps:
        refuse_unless_accepted(gap, accept=accept)
    await publisher.publish([on_record(gap, stage, clock.now()) for gap in gaps])
    for gap in gaps:
        log.critical("%s: going on as told to", gap)


def refuse_unless_accepted(gap: Gap, *, accept: bool) -> None:
    """Raises `Refused` unless told to `accept`."""
    if not accept:
        raise Refused(f"{gap}: {gap.advice}")


def on_record(gap: Gap, stage: str, now: datetime) -> Record:
    """The operation that accepts a gap."""
    done = GapAccepted(stage, gap.topic, gap.partition, gap.first, gap.until)
    return to_record(Event(done, now, stage, by_user(), WHY))


def missed(
    place: tuple[str, int],
    reached: int,
    first: int,
    end: int,
    repair: str,
    *,
    out_of_range: bool = False,
) -> Gap | None:
    """What is gone of a topic that was read up to offset `reached` (exclusive).

    `out_of_range`: the broker has said so of that very offset. Raises `Refused` if the topic ends, or ended then,
    before it: by now it may have grown past it again, with other records.
    """
    if reached < first:
        return Gap(*place, reached, first)
    if reached > end or out_of_range:
        topic, partition = place
        raise Refused(
            f"{topic}[{partition}]: expected it to reach offset {reached}, up to which it was read, it "
            f"{'ends at' if reached > end else 'had ended before, and by now ends at'} {end}: it lost its tail or was "
            f"made anew; {repair}"
        )
    return None


def resume(
    group: str, place: tuple[str, int], committed: int | None, first: int, end: int, *, out_of_range: bool = False
) -> Gap | None:
    """What a group that owns no other memory missed in a lane. Raises `Refused` if that can't be known."""
    topic, partition = place
    repair = (
        "run `./tidings recover deliver`: it goes on at the lane's end, and what was not dispatched is queued again"
    )
    if committed is None:
        if end == 0:
            return None
        raise Refused(
            f"{topic}[{partition}]: expected a committed offset of group {group}, got none, though the lane was used "
            f"(it reaches from {first} to {end}): from its beginning everything would be sent again; {repair}"
        )
    return missed(place, committed, first, end, repair, out_of_range=out_of_range)


def by_user() -> str:
    """The user of the operating system, or `settings` where it does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "settings"
