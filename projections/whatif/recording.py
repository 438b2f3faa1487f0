"""Records of the log in, what they say of each notification out: so many in memory, the rest in a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from projections.audit.spill import Spill
from projections.reading import Raw
from projections.whatif.recorded import Recorded, begun, tell
from streams.codec import Undecodable, UnknownType, decode
from streams.events import Accepted, Body, Event, Noted, Suppressed

EVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Requests from `since` up to `until` (exclusive) are measured; from `warm` on they shape the actors' histories.

    A partition is read no further than to a request of `last`. Its records' own times would not do: an imported log has
    others, and requests may have waited for hours before they were decided.
    """

    warm: datetime
    since: datetime
    until: datetime
    last: datetime = EVER


@dataclass(slots=True)
class Recording:
    """Takes batches of records; those of one partition in order. Then `everything` is to be read."""

    span: Span
    spill: Spill[Recorded]
    notes: list[Event[Noted]] = field(default_factory=list)
    events: int = 0
    unread: int = 0

    def take(self, records: Sequence[Raw]) -> bool:
        """The next ones of a partition; returns whether those after them may matter."""
        events = [event for event in map(self._read, records) if event is not None]
        self.spill.fetch({event.notification for event in events})
        for event in events:
            self._take(event)
        self.spill.settle()
        return not any(
            isinstance(event.body, Accepted | Suppressed) and event.time >= self.span.last for event in events
        )

    def everything(self) -> Iterator[Recorded]:
        """All requests that were decided in the span."""
        return (recorded for _, recorded in self.spill.everything())

    def _read(self, record: Raw) -> Event[Body] | None:
        self.events += 1
        try:
            return decode(record.value)
        except (Undecodable, UnknownType):
            self.unread += 1
            return None

    def _take(self, event: Event[Body]) -> None:
        recorded = self.spill.held.get(event.notification)
        match event.body:
            case Noted():
                self.notes.append(cast("Event[Noted]", event))
            case Accepted() | Suppressed():
                if recorded is None and self.span.warm <= event.time < self.span.until:
                    measured = event.time >= self.span.since
                    decided = cast("Event[Accepted | Suppressed]", event)
                    self.spill.held[event.notification] = begun(decided, measured=measured)
            case _ if recorded is not None:
                tell(recorded, event)
            case _:
                pass
