"""Read model NotificationHistory: an event of the log in, its notification's whole story with it out. Pure.

A story has every event of one subject, once each, in log order, without what is personal: so the state at any time can
be folded again by NotificationJob's own rule, and each event's cause be found. Time is an event's own (`time`), not its
arrival: one that comes late counts from when it says that it happened.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from projections.position import Document, Place
from projections.present import jobs
from projections.present.jobs import Evolve, Standing
from projections.reading import Item
from streams.clock import EPOCH, MILLISECOND, from_milliseconds
from streams.events import KINDS, Accepted, Body, Event, Noted, Personal, Repeated, Suppressed
from streams.rules.phase import Status

PROJECTION = "NotificationHistory"
VERSION = 1
"""Of this fold; a change that makes other documents of the same events needs a new one, and a rebuild."""
NOBODY = Personal("-", "-")
BEGINNINGS = (Accepted, Suppressed, Noted)
"""What the story of a subject begins with."""
ASKED = (Accepted, Suppressed)
LEFT_OUT = (Repeated,)
"""Says nothing about its notification but that it was asked for again."""
BODIES: dict[str, Any] = {name: body for body, name in KINDS.items()}
MAX_SIZE = 8 * 1024 * 1024
"""Characters of a story; what comes after that is left out, so that MongoDB can hold it. 150 are usual for an event."""
OVERHEAD = 100
"""Characters of an event beside its body, about."""


class Told(Struct, frozen=True, array_like=True):
    """An event of a story. `name` is its id without the subject's, `time` in milliseconds since 1970.

    A `causation` that begins with a colon is the subject's own.
    """

    name: str
    time: int
    offset: int
    source: str
    causation: str | None
    body: msgspec.Raw
    correlation: str | None = None
    """If it is not the subject itself."""


class History(Struct, frozen=True):
    """A story so far. `newest` is the latest of its events' times, `standing` what all of them together lead to.

    A subject that is no notification, such as a policy, stands nowhere. `size` is in characters.
    """

    subject: str
    partition: int
    told: tuple[Told, ...]
    newest: int
    standing: Standing | None
    size: int = 0

    @property
    def offset(self) -> int:
        """Of the last event."""
        return self.told[-1].offset


class Step(NamedTuple):
    """So many notifications (+1 or -1) are in a status from this time on; `offset` is the event's that says so."""

    offset: int
    time: int
    status: Status
    change: int


def told(items: Iterable[Item]) -> list[Item]:
    """Those that are told in stories."""
    return [item for item in items if not isinstance(item.event.body, LEFT_OUT)]


class _Growing:
    """A story while it takes in a batch: what it has been told is copied once for all, and not for each event."""

    __slots__ = ("_history", "_names", "_newest", "_size", "_standing", "_told")

    def __init__(self, history: History) -> None:
        self._history, self._told = history, list(history.told)
        self._names = {told.name for told in history.told}
        self._newest, self._standing, self._size = history.newest, history.standing, history.size

    @property
    def moved(self) -> bool:
        """Whether it was told anything."""
        return len(self._told) > len(self._history.told)

    def take(self, item: Item, evolve: Evolve) -> list[Step]:
        """How this event changes, for each time, in which status the notification was then; not if it is known."""
        event, place = item
        name = event.id.removeprefix(event.notification)
        if name in self._names or place.partition != self._history.partition or self._size > MAX_SIZE:
            return []
        before, told = self._standing, _told(name, item)
        late = self.history() if told.time < self._newest else None
        self._told.append(told)
        self._names.add(name)
        self._size += _size(told)
        self._standing = evolve(before, event, place)
        if late is not None:
            moves = _moves(self.history())
            moves.subtract(_moves(late))
            return [Step(told.offset, time, status, by) for (time, status), by in moves.items() if status and by]
        self._newest = told.time
        left, entered = _status(before), _status(self._standing)
        if left == entered:
            return []
        steps = ((left, -1), (entered, 1))
        return [Step(told.offset, told.time, status, change) for status, change in steps if status]

    def history(self) -> History:
        """As it is now."""
        told, known = tuple(self._told), self._history
        return History(known.subject, known.partition, told, self._newest, self._standing, self._size)


def folded(
    before: Mapping[str, History], items: Iterable[Item], evolve: Evolve = jobs.evolve
) -> tuple[dict[str, History], dict[int, list[Step]]]:
    """The stories that these items change, and the steps that they come to, by partition.

    What the log never told the beginning of is no story.
    """
    growing: dict[str, _Growing] = {}
    moved: dict[int, list[Step]] = {}
    for item in items:
        (event, place), subject = item, item.event.notification
        story = growing.get(subject)
        if story is None:
            known = before.get(subject)
            if known is None and not isinstance(event.body, BEGINNINGS):
                continue
            story = growing[subject] = _Growing(known or History(subject, place.partition, (), 0, None))
        if steps := story.take(item, evolve):
            moved.setdefault(place.partition, []).extend(steps)
    return {subject: story.history() for subject, story in growing.items() if story.moved}, moved


def standing_at(history: History, time: int | None = None) -> Standing | None:
    """Where the notification stood at that time (milliseconds since 1970), as far as the log tells; None if unborn."""
    standing = None
    for told in _known(history):
        if time is None or told.time <= time:
            standing = jobs.evolve(standing, event(history, told), Place(history.partition, told.offset))
    return standing


def events(history: History) -> Iterator[tuple[Event[Body], Place]]:
    """The story's events, without what was personal, and where they lie."""
    for told in _known(history):
        yield event(history, told), Place(history.partition, told.offset)


def event(history: History, told: Told) -> Event[Body]:
    """One of them."""
    subject, cause = history.subject, told.causation
    if cause is not None and cause.startswith(":"):
        cause = subject + cause
    time = from_milliseconds(told.time)
    body = _decoder(_kind(told)).decode(told.body)
    return Event(body, subject, time, told.source, told.correlation or subject, cause)


def document(history: History) -> Document:
    """As it is stored; the events as JSON text, which is small and can be read by people."""
    return {"_id": history.subject, "partition": history.partition, **changes(history)}


def changes(history: History) -> Document:
    """The fields that move."""
    return {"offset": history.offset, "told": msgspec.json.encode(history.told).decode()}


def restored(stored: Document) -> History:
    """The story in a stored document."""
    told = msgspec.json.decode(stored["told"], type=tuple[Told, ...])
    newest = max(one.time for one in told)
    history = History(stored["_id"], stored["partition"], told, newest, None, sum(map(_size, told)))
    return replace(history, standing=standing_at(history))


def since_1970(time: datetime) -> int:
    """Whole milliseconds, the rest cut off, as MongoDB cuts it."""
    return (time - EPOCH) // MILLISECOND


def _told(name: str, item: Item) -> Told:
    event, place = item
    subject, cause = event.notification, event.causation
    return Told(
        name,
        since_1970(event.time),
        place.offset,
        event.source,
        cause.removeprefix(subject) if cause is not None and cause.startswith(f"{subject}:") else cause,
        msgspec.Raw(msgspec.json.encode(_impersonal(event.body))),
        None if event.correlation == subject else event.correlation,
    )


def _size(told: Told) -> int:
    return OVERHEAD + len(memoryview(told.body))


def _impersonal(body: Body) -> Body:
    if isinstance(body, ASKED):
        return replace(body, request=replace(body.request, recipient_key="", personal=NOBODY))
    return body


def _status(standing: Standing | None) -> Status | None:
    return None if standing is None else standing.status


def _moves(history: History) -> Counter[tuple[int, Status | None]]:
    """When the notification left and entered a status, if all of its events had come in the order of their times."""
    moves = Counter[tuple[int, Status | None]]()
    before: Status | None = None
    for time in sorted({told.time for told in history.told}):
        standing = standing_at(history, time)
        now = _status(standing)
        if now != before:
            moves[time, before] -= 1
            moves[time, now] += 1
        before = now
    return moves


def _known(history: History) -> Iterator[Told]:
    """Without what a newer program told of kinds that are not known here, as everywhere in read models."""
    return (told for told in history.told if _kind(told) in BODIES)


def _kind(told: Told) -> str:
    return told.name.split(":", 2)[1]


@lru_cache
def _decoder(kind: str) -> msgspec.json.Decoder[Body]:
    return msgspec.json.Decoder(BODIES[kind])
