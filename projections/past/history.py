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

from projections import jobs
from projections.batch import Item
from projections.jobs import Standing
from projections.position import Document, Place
from streams.clock import EPOCH, MILLISECOND, from_milliseconds
from streams.events import KINDS, Accepted, Body, Event, Noted, Personal, Repeated, Suppressed
from streams.phase import Status

PROJECTION = "NotificationHistory"
VERSION = 1
"""Of this fold; a change that makes other documents of the same events needs a new one, and a rebuild."""
NOBODY = Personal("-", "-")
BEGINNINGS = (Accepted, Suppressed, Noted)
"""What the story of a subject begins with."""
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


def evolve(history: History | None, item: Item) -> History | None:
    """The story with this event; the same object if it has it already, None if the log never told of its subject."""
    event, place = item
    name = event.id.removeprefix(event.notification)
    if history is None:
        if not isinstance(event.body, BEGINNINGS):
            return None
        return _with(History(event.notification, place.partition, (), 0, None), item, name)
    if place.partition != history.partition or history.size > MAX_SIZE:
        return history
    return history if any(told.name == name for told in history.told) else _with(history, item, name)


def told(items: Iterable[Item]) -> list[Item]:
    """Those that are told in stories."""
    return [item for item in items if not isinstance(item.event.body, LEFT_OUT)]


def folded(before: Mapping[str, History], items: Iterable[Item]) -> tuple[dict[str, History], dict[int, list[Step]]]:
    """The stories that these items change, and the steps that they come to, by partition."""
    after: dict[str, History] = {}
    moved: dict[int, list[Step]] = {}
    for item in items:
        subject = item.event.notification
        old = after.get(subject) or before.get(subject)
        new = evolve(old, item)
        if new is not None and new is not old:
            after[subject] = new
            moved.setdefault(item.place.partition, []).extend(steps(old, new))
    return after, moved


def steps(before: History | None, after: History) -> list[Step]:
    """How the last event of `after` changed, for each time, in which status its notification was then."""
    last = after.told[-1]
    if before is None or last.time >= before.newest:
        old, new = _status(before), _status(after)
        moves = {} if old == new else {(last.time, old): -1, (last.time, new): 1}
    else:
        moves = _moves(after)
        moves.subtract(_moves(before))
    return [Step(last.offset, time, status, change) for (time, status), change in moves.items() if status and change]


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


def _with(history: History, item: Item, name: str) -> History:
    event, place = item
    subject, cause = event.notification, event.causation
    told = Told(
        name,
        since_1970(event.time),
        place.offset,
        event.source,
        cause.removeprefix(subject) if cause is not None and cause.startswith(f"{subject}:") else cause,
        msgspec.Raw(msgspec.json.encode(_impersonal(event.body))),
        None if event.correlation == subject else event.correlation,
    )
    standing = jobs.evolve(history.standing, event, place)
    newest, size = max(history.newest, told.time), history.size + _size(told)
    return History(subject, history.partition, (*history.told, told), newest, standing, size)


def _size(told: Told) -> int:
    return OVERHEAD + len(memoryview(told.body))


def _impersonal(body: Body) -> Body:
    if isinstance(body, Accepted | Suppressed):
        return replace(body, request=replace(body.request, recipient_key="", personal=NOBODY))
    return body


def _status(history: History | None) -> Status | None:
    return None if history is None or history.standing is None else history.standing.status


def _moves(history: History) -> Counter[tuple[int, Status | None]]:
    """When the notification left and entered a status, if all of its events had come in the order of their times."""
    moves = Counter[tuple[int, Status | None]]()
    before: Status | None = None
    for time in sorted({told.time for told in history.told}):
        standing = standing_at(history, time)
        now = None if standing is None else standing.status
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
