"""Who gets in: `judge` decides on a request, `evolve` folds the verdict into what is remembered of its actor.

Pure. The state is one small value per record key: the actor of a social request, else the notification itself. Rules
and numbers are the social reference's (dedupe 300 s from first sight, 2 accepted in 10 s); a suppressed request
neither extends a window nor counts against the actor.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from streams.events import (
    Accepted,
    Activity,
    Event,
    Origin,
    Priority,
    Repeated,
    Request,
    Requested,
    Suppressed,
)

SOURCE = "admit"
TRANSACTIONAL: frozenset[Activity] = frozenset({"LIKE", "COMMENT", "MENTION"})
MAX_REFUSED = 256
"""Ids of suppressed requests remembered per actor: what bounds the state of an actor who floods us. Accepted ones are
bounded by the rate limit."""

Verdict = Accepted | Suppressed | Repeated


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules' numbers."""

    dedupe_window: timedelta = timedelta(seconds=300)
    rate_window: timedelta = timedelta(seconds=10)
    rate_limit: int = 2
    id_horizon: timedelta = timedelta(hours=1)


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A decided request: its id, when, and what it was about (None: suppressed, or not a social one)."""

    id: str
    at: datetime
    about: str | None = None


class History(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered under one key, oldest first. `clock` is the latest request time: it never runs back."""

    clock: datetime
    accepted: tuple[Seen, ...] = ()
    refused: tuple[Seen, ...] = ()


def judge(history: History | None, event: Event[Requested], origin: Origin, limits: Limits) -> Event[Verdict]:
    """The one outcome of a request. Its time is the request's, clamped so that time never runs back for a key."""
    request, now = event.body.request, event.time
    priority = priority_of(request)
    if history is not None:
        now = max(now, history.clock)
        if any(seen.id == event.notification for seen in (*history.accepted, *history.refused)):
            return event.then(Repeated(origin), SOURCE, now)
        if request.activity is not None:
            first = _first_sight(history, about(request), now - limits.dedupe_window)
            if first is not None:
                return event.then(Suppressed(request, priority, origin, "duplicate", first.id), SOURCE, now)
            if sum(seen.at > now - limits.rate_window for seen in history.accepted) >= limits.rate_limit:
                return event.then(Suppressed(request, priority, origin, "rate-limited"), SOURCE, now)
    return event.then(Accepted(request, priority, origin), SOURCE, now)


def evolve(history: History | None, verdict: Event[Verdict], limits: Limits) -> History | None:
    """What is remembered after a verdict: forgets what no rule can ask for any more."""
    match verdict.body:
        case Repeated():
            return history
        case Accepted(request):
            return remember(history, Seen(verdict.notification, verdict.time, about(request)), limits, accepted=True)
        case Suppressed():
            return remember(history, Seen(verdict.notification, verdict.time), limits, accepted=False)


def remember(history: History | None, seen: Seen, limits: Limits, *, accepted: bool) -> History:
    """The history with one more decided request."""
    before, refused = _recent(history, seen.at, limits)
    if accepted:
        return History(seen.at, (*before, seen), refused)
    return History(seen.at, before, (*refused, seen)[-MAX_REFUSED:])


def expires(history: History, limits: Limits) -> datetime:
    """When nothing in it matters any more."""
    return history.clock + max(limits.id_horizon, limits.dedupe_window, limits.rate_window)


def priority_of(request: Request) -> Priority:
    """The class: social ones by their kind, others as asked for, transactional by default."""
    if request.activity is not None:
        return "transactional" if request.activity in TRANSACTIONAL else "promotional"
    return request.priority or "transactional"


def about(request: Request) -> str | None:
    """What makes two social requests the same: `type:actor:target:post`."""
    if request.activity is None:
        return None
    who = request.personal
    return "\n".join((request.activity, who.actor or "", who.recipient, who.post or ""))


def _first_sight(history: History, subject: str | None, since: datetime) -> Seen | None:
    return next((seen for seen in history.accepted if seen.about == subject and seen.at > since), None)


def _recent(history: History | None, now: datetime, limits: Limits) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    if history is None:
        return (), ()
    kept = now - max(limits.id_horizon, limits.dedupe_window, limits.rate_window)
    return (
        tuple(seen for seen in history.accepted if seen.at > kept),
        tuple(seen for seen in history.refused if seen.at > kept),
    )
