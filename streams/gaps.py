"""Records that retention removed before they were read: how a reader that was away finds out, and what it may do.

A reader refuses to go on past a gap, and goes on only when told to (`ACCEPT_GAPS`), with the gap on record. Pure, but
for `by_user`, which asks the system who we are.
"""

import getpass
from dataclasses import dataclass
from datetime import datetime

from streams.folding.position import Refused
from streams.operations import Event, GapAccepted, to_record
from streams.record import Record
from streams.topics import LANES

ACCEPTED_BY = "ACCEPT_GAPS"


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


def bridge(gap: Gap, stage: str, now: datetime, *, accept: bool) -> Record:
    """The gap on record, to be written before going on. Raises `Refused` unless told to `accept`."""
    if not accept:
        raise Refused(f"{gap}: {gap.advice}")
    done = GapAccepted(stage, gap.topic, gap.partition, gap.first, gap.until)
    return to_record(Event(done, now, stage, by_user(), ACCEPTED_BY))


def resume(group: str, place: tuple[str, int], committed: int | None, first: int, end: int) -> Gap | None:
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
    if committed > end:
        raise Refused(
            f"{topic}[{partition}]: expected the lane to reach offset {committed}, the commit of group {group}, it "
            f"ends at {end}: it was lost or made anew; {repair}"
        )
    return Gap(topic, partition, committed, first) if committed < first else None


def by_user() -> str:
    """The user of the operating system, or `settings` where it does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "settings"
