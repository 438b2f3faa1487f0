"""One notification as the audit remembers it, and how an event of the log is taken into it. No I/O.

The rules are not written again: the job is folded by `streams.rules.notification`, and what the read models should
hold by `projections.present.jobs` and `present.story`. What is added are marks: which events were seen, by kind and
dispatch.
"""

from enum import IntEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from projections import fingerprints
from projections.audit.redeliveries import NONE, Redeliveries
from projections.position import Place
from projections.present import jobs, story
from projections.present.jobs import Evolve, Standing
from projections.reading import Item
from streams.clock import milliseconds
from streams.events import (
    Accepted,
    Acknowledged,
    Body,
    CameDue,
    Event,
    Failed,
    Held,
    Origin,
    Queued,
    Repeated,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Settled,
    Suppressed,
    Withheld,
)
from streams.rules import notification
from streams.rules.notification import Job
from streams.rules.phase import Phase

MARKED: tuple[type[Any], ...] = (
    Accepted,
    Suppressed,
    Acknowledged,
    Queued,
    Sending,
    Sent,
    SendFailed,
    SendDeferred,
    SendLost,
    RetryScheduled,
    Failed,
    Withheld,
    Held,
    Settled,
)
NUMBERS = {kind: number for number, kind in enumerate(MARKED)}
STRIDE = 16
"""Bits a dispatch takes in a set of marks."""
LAST_MARKED = 4096
"""Dispatches above it share their marks: a number from a record of nonsense must not take gigabytes."""
OUTCOMES = frozenset({Sent, SendFailed, SendDeferred})
OUTCOME_MARKS = sum(1 << NUMBERS[kind] for kind in OUTCOMES)
DECIDING = (Accepted, Suppressed, Repeated)
UNTOLD = frozenset({SendFailed, CameDue, Repeated})
"""What `projections.present.story` makes no line of, not to be asked again each time."""


class Skipped(IntEnum):
    """What of an event the projections gave to the dead letters."""

    NOTHING = 0
    MOVE = 1
    """It moved no notification they knew; its line of the story is there."""
    ALL = 2


class Story(Struct):
    """A notification. Where its id was accepted anew after its end, marks and job are those of the later story."""

    standing: Standing | None = None
    """As the read model should have it."""
    fixed: bytes = b""
    """The fingerprint of what never changes in its document."""
    origin: tuple[int, int] = (-1, -1)
    last: int = -1
    """The offset of its last event."""
    seen: int = 0
    former: int = 0
    """The marks of earlier stories under this id."""
    tale: int = 0
    """The sum of the fingerprints of its lines in NotificationLog."""
    lines: int = 0
    deadline: int = 0
    """The latest of its calls', in milliseconds since 1970."""
    answer: tuple[int, int, int] = (0, 0, 0)
    """The last outcome: dispatch, kind, time in milliseconds."""
    twice: int = 0
    """Marks of dispatches with two different outcomes."""
    lettered: bool = False
    """Lifecycle gave one of its events to the dead letters."""
    own: Job | None = None
    """The job, where it is not that of `standing`."""
    before: Job | None = None
    """The finished job of the story before this one."""
    redeliveries: Redeliveries = NONE

    @property
    def job(self) -> Job | None:
        """The job as lifecycle should have it. A story that was not taken up, as the former was kept, is none."""
        if self.own is None:
            return self.standing.job if self.standing else None
        return self.before if self.before and self.own.phase is Phase.ACCEPTED else self.own

    def marks(self, *kinds: type[Body]) -> int:
        """Which dispatches had such an event: bit n for dispatch n."""
        wanted, found = sum(1 << NUMBERS[kind] for kind in kinds), 0
        for dispatch in range((self.seen.bit_length() + STRIDE - 1) // STRIDE):
            if self.seen >> STRIDE * dispatch & wanted:
                found |= 1 << dispatch
        return found


def mark(body: Body) -> int:
    """The bit of such an event of such a dispatch; 0 for one that may come any number of times."""
    number = NUMBERS.get(type(body))
    return 0 if number is None else 1 << STRIDE * _dispatch(body) + number


def tell(story_: Story, item: Item, skipped: Skipped = Skipped.NOTHING, evolve: Evolve = jobs.evolve) -> bool:
    """Take an event into its story; returns whether it is new, and not the same written again."""
    event, place = item
    body = event.body
    bit, again = mark(body), story_.redeliveries.knows(event.body)
    if type(body) in OUTCOMES:
        _answer(story_, event)
    elif isinstance(body, Sending):
        story_.deadline = max(story_.deadline, milliseconds(body.deadline))
    told = bit & (story_.seen | story_.former) or again
    if skipped is not Skipped.ALL and type(body) not in UNTOLD and not told:
        _add_line(story_, event, place)
    _move(story_, item, skipped, evolve)
    new = not bit & story_.seen and not again
    story_.redeliveries = story_.redeliveries.after(body, LAST_MARKED)
    story_.seen |= bit
    story_.last = place.offset
    return new


def accept_again(story_: Story, event: Event[Body]) -> None:
    """An id was accepted anew by another request. An open job stays as it is; after a finished one a story begins."""
    job = story_.job
    if job is None or job.final:
        story_.before = job
        story_.own = _light(notification.evolve(None, event))
        story_.former |= story_.seen
        story_.seen = story_.twice = 0
        story_.redeliveries = replace(story_.redeliveries, begun=0)


def origin(event: Event[Body]) -> Origin | None:
    """The request this event decides about, if it does."""
    body = event.body
    return body.origin if isinstance(body, DECIDING) else None


def _dispatch(body: Body) -> int:
    """Holds are numbered by themselves: several may follow one dispatch."""
    number = body.hold if isinstance(body, Held) else getattr(body, "dispatch", 0)
    return min(number, LAST_MARKED)


def _add_line(story_: Story, event: Event[Body], place: Place) -> None:
    line = story.entry(event, place)
    if line is not None:
        story_.tale = (story_.tale + fingerprints.whole(line)) & fingerprints.MASK
        story_.lines += 1


def _answer(story_: Story, event: Event[Body]) -> None:
    dispatch = _dispatch(event.body)
    answer = dispatch, NUMBERS[type(event.body)], milliseconds(event.time)
    answered = story_.seen >> STRIDE * dispatch & OUTCOME_MARKS
    if answered and ((story_.answer[0] == dispatch and story_.answer != answer) or not answered >> answer[1] & 1):
        story_.twice |= 1 << dispatch
    story_.answer = answer


def _move(story_: Story, item: Item, skipped: Skipped, evolve: Evolve) -> None:
    standing, (event, place) = story_.standing, item
    if skipped and story_.own is None:
        story_.own = standing.job if standing else None
    if story_.own is not None or skipped:
        story_.own = _light(notification.evolve(story_.own, event))
    if skipped:
        return
    story_.standing = evolve(standing, event, place)
    if standing is None and story_.standing is not None:
        assert isinstance(event.body, Accepted | Suppressed)
        story_.fixed = fingerprints.lasting(jobs.lasting(event, event.body, place))


def _light(job: Job | None) -> Job | None:
    return replace(job, request=None) if job is not None and job.request is not None else job
