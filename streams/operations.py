"""What was done to the system rather than by it: events on `notification-operations`, with who did it and why. Pure.

Each is a CloudEvent of a type of its own. Its id comes from what was done to what and when, so that it is read once
however often it was written.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from streams.clock import milliseconds
from streams.codec import Undecodable
from streams.record import Record
from streams.replays import Extents, Order
from streams.topics import OPERATIONS

TYPE_PREFIX = "tidings.operation."
VERSION = "v1"


class Done(Struct, frozen=True, rename="camel", omit_defaults=True, tag_field="operation"):
    """A piece of history: what was done. The tag is the event's kind."""


class GapAccepted(Done, frozen=True, tag="gap-accepted"):
    """`stage` went on although retention had removed the records from `first` up to `until` (exclusive) unread."""

    stage: str
    topic: str
    partition: int
    first: int
    until: int


class TableRebuilt(Done, frozen=True, tag="table-rebuilt"):
    """The table of `stage` was folded anew from the log, in silence, up to `applied` (exclusive) of its source."""

    stage: str
    partition: int
    applied: int
    rows: int


class LaneSkipped(Done, frozen=True, tag="lane-skipped"):
    """`group` lost its offset in a lane and goes on at `until`; what was not dispatched is queued again."""

    group: str
    topic: str
    partition: int
    until: int


class Redriven(Done, frozen=True, tag="redriven"):
    """The original of a dead letter was put back where it came from: a topic with its new place, or a queue.

    `seen` is the offset of the newest record of this letter on `dead-letters` that was known then. The same message may
    fail on a queue again, which makes the same letter: a record past `seen` opens it anew.
    """

    letter: str
    seen: int
    target: str
    partition: int | None = None
    offset: int | None = None


class Dropped(Done, frozen=True, tag="dropped"):
    """A dead letter was given up for good; `seen` as for a redriven one."""

    letter: str
    seen: int


class CooledOff(Done, frozen=True, tag="cooled-off"):
    """An actor was refused too often: everything of theirs is refused until then."""

    actor: str
    until: datetime


class PolicyChanged(Done, frozen=True, tag="policy-changed"):
    """Limits were set for an actor, a recipient or a type; None is as the settings have it, all None lifts them."""

    scope: str
    about: str
    rate_limit: int | None = None
    rate_window: float | None = None
    dedupe_window: float | None = None


class CoolOffEnded(Done, frozen=True, tag="cool-off-lifted"):
    """An actor may act again at once."""

    actor: str


class RedeliveryBegun(Done, frozen=True, tag="redelivery-begun"):
    """Somebody asked for `count` notifications to be delivered once more, at most `rate` a second; `what` in words."""

    bulk: str
    count: int
    rate: float
    what: str


class RedeliveryEnded(Done, frozen=True, tag="redelivery-ended"):
    """Of `count`, so many were asked for on the log, had been before, and were refused; the others were not reached."""

    bulk: str
    count: int
    asked: int
    again: int
    refused: int


class CutOver(Done, frozen=True, tag="cut-over"):
    """Readers of a read model were moved from one copy of it to another, of this version of the fold.

    `differences` between the two were found, of which the one who did it accepted `accepted` that nothing explained.
    """

    projection: str
    before: str
    copy: str
    version: int
    differences: int = 0
    accepted: int = 0


class RolledBack(Done, frozen=True, tag="rolled-back"):
    """Readers of a read model were moved back to the copy that they had read before."""

    projection: str
    before: str
    copy: str
    version: int


class CopyDropped(Done, frozen=True, tag="copy-dropped"):
    """A copy of a read model that was not live was deleted."""

    projection: str
    copy: str
    version: int


Copied = CutOver | RolledBack | CopyDropped


class ReplayRequested(Done, frozen=True, tag="replay-requested"):
    """Somebody wants events of the log told again."""

    replay: str
    order: Order


class ReplayCounted(Done, frozen=True, tag="replay-counted"):
    """These are its events, by type, in these extents of the log; `unreadable` records in them are no events."""

    replay: str
    extents: Extents
    counts: dict[str, int]
    unreadable: int = 0


class ReplayReached(Done, frozen=True, tag="replay-reached"):
    """It was told up to these offsets (exclusive), by partition: `delivered` events so far."""

    replay: str
    delivered: int
    offsets: dict[int, int]


class ReplayPaused(Done, frozen=True, tag="replay-paused"):
    """It waits to be resumed."""

    replay: str


class ReplayResumed(Done, frozen=True, tag="replay-resumed"):
    """It goes on from where it was."""

    replay: str


class ReplayCancelled(Done, frozen=True, tag="replay-cancelled"):
    """It ends where it is."""

    replay: str


class ReplayFailed(Done, frozen=True, tag="replay-failed"):
    """It could not go on. Resumed, it tries again."""

    replay: str
    error: str


class ReplayDone(Done, frozen=True, tag="replay-done"):
    """All its events were told."""

    replay: str
    delivered: int


class LogImported(Done, frozen=True, tag="log-imported"):
    """Below these offsets, by partition, the log is another system's history: nobody acts on it here.

    Told before anything is written, and once more when the import has `ended`; `digest` is the log's.
    """

    until: dict[int, int]
    digest: str = ""
    ended: bool = False


Replaying = (
    ReplayRequested
    | ReplayCounted
    | ReplayReached
    | ReplayPaused
    | ReplayResumed
    | ReplayCancelled
    | ReplayFailed
    | ReplayDone
)
Operation = (
    CooledOff
    | PolicyChanged
    | CoolOffEnded
    | GapAccepted
    | TableRebuilt
    | LaneSkipped
    | Redriven
    | Dropped
    | LogImported
    | RedeliveryBegun
    | RedeliveryEnded
    | Copied
    | Replaying
)


class Event(Struct, frozen=True):
    """An operation in its envelope. `source` is the program, `by` who wanted it, `why` in their words."""

    done: Operation
    time: datetime
    source: str
    by: str
    why: str = ""

    @property
    def id(self) -> str:
        """Names what was done to what, and when."""
        kind, *facts = (fact for fact in msgspec.to_builtins(self.done).values() if not isinstance(fact, dict))
        return ":".join(map(str, (kind, *facts, milliseconds(self.time))))


class _Data(Struct, frozen=True, rename="camel", omit_defaults=True):
    done: Operation
    by: str
    why: str = ""


class _Envelope(Struct, frozen=True):
    id: str
    source: str
    type: str
    time: Annotated[datetime, Meta(tz=True)]
    data: _Data
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


_decoder = msgspec.json.Decoder(_Envelope)


def to_record(event: Event) -> Record:
    """The record for topic `notification-operations`."""
    kind = event.done.__struct_config__.tag
    data = _Data(event.done, event.by, event.why)
    envelope = _Envelope(event.id, event.source, f"{TYPE_PREFIX}{kind}.{VERSION}", event.time, data)
    return Record(OPERATIONS, event.id.encode(), msgspec.json.encode(envelope), id=event.id)


def read(value: bytes | None) -> Event:
    """The event in a record of that topic. Raises `Undecodable`, for an operation of a newer program too."""
    try:
        envelope = _decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"expected an operation of Tidings, got {(value or b'')[:80]!r}: {error}") from error
    data = envelope.data
    return Event(data.done, envelope.time, envelope.source, data.by, data.why)
