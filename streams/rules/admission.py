"""Who gets in: `judge` decides on a request, `evolve` folds the verdict into what is remembered of its actor.

Pure. The state is one small value per record key: the actor of a social request, else the notification itself. The
rules are the social reference's, and so are the settings' numbers; a duplicate is one for a time from the first sight,
and a suppressed request neither extends a window nor counts against the actor.
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
    SuppressionReason,
)

SOURCE = "admit"
TRANSACTIONAL: frozenset[Activity] = frozenset({"LIKE", "COMMENT", "MENTION"})
MAX_REFUSED = 256
"""Ids of suppressed requests remembered per actor: what bounds the state of an actor who floods us. Accepted ones are
bounded by the rate limit."""

Verdict = Accepted | Suppressed | Repeated


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules' numbers, as `Settings.limits` has them.

    Refused for its rate `cool_off_after` times in `cool_off_window`, an actor is cooled off.
    """

    dedupe_window: timedelta
    rate_window: timedelta
    rate_limit: int
    id_horizon: timedelta
    cool_off_after: int
    cool_off_window: timedelta
    cool_off: timedelta

    @property
    def horizon(self) -> timedelta:
        """How long any rule can ask for something."""
        return max(self.id_horizon, self.dedupe_window, self.rate_window)


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A decided request: its id, when, and what it was about (None: suppressed, or not a social one)."""

    id: str
    at: datetime
    about: str | None = None


class History(msgspec.Struct, frozen=True, array_like=True, tag="history", gc=False):
    """What is remembered under one key, oldest first. `clock` is the latest request time: it never runs back.

    `kept` is for how many seconds from then on it matters; `strikes` are the refusals for the rate that count towards a
    cool-off, and `cooled` is when the one under way ends.
    """

    clock: datetime
    accepted: tuple[Seen, ...] = ()
    refused: tuple[Seen, ...] = ()
    kept: float = 0.0
    strikes: tuple[datetime, ...] = ()
    cooled: datetime | None = None


def judge(
    history: History | None,
    event: Event[Requested],
    origin: Origin,
    limits: Limits,
    policies: tuple[str, ...] = (),
) -> Event[Verdict]:
    """The one outcome of a request. Its time is the request's, clamped so that time never runs back for a key.

    `policies` are the ids of those that the limits come from, to be told in the outcome.
    """
    request, known = event.body.request, history or History(event.time)
    priority, now = priority_of(request), max(event.time, known.clock)
    if any(seen.id == event.notification for seen in (*known.accepted, *known.refused)):
        return event.then(Repeated(origin), SOURCE, now)
    if request.activity is not None and (refusal := _refusal(known, request, now, limits)) is not None:
        reason, first, until = refusal
        return event.then(Suppressed(request, priority, origin, reason, first, policies, until), SOURCE, now)
    return event.then(Accepted(request, priority, origin, policies), SOURCE, now)


def evolve(history: History | None, verdict: Event[Verdict], limits: Limits) -> History | None:
    """What is remembered after a verdict: forgets what no rule can ask for any more."""
    match verdict.body:
        case Repeated():
            return history
        case Accepted(request):
            return remember(history, Seen(verdict.notification, verdict.time, about(request)), limits)
        case Suppressed(_, _, _, reason):
            return remember(history, Seen(verdict.notification, verdict.time), limits, reason)


def remember(history: History | None, seen: Seen, limits: Limits, refused: SuppressionReason | None = None) -> History:
    """The history with one more decided request; `refused` is why, if it was."""
    before, others = _recent(history, seen.at, limits)
    if refused is None:
        before = (*before, seen)
    else:
        others = (*others, seen)[-MAX_REFUSED:]
    strikes, cooled = ((), None) if history is None else (history.strikes, history.cooled)
    after = History(seen.at, before, others, limits.horizon.total_seconds(), strikes, cooled)
    return _strike(after, limits) if refused == "rate-limited" else after


def lifted(history: History | None, at: datetime, limits: Limits) -> History:
    """What is remembered after the actor's cool-off was lifted."""
    if history is None:
        return History(at, kept=limits.horizon.total_seconds())
    return msgspec.structs.replace(history, strikes=(), cooled=None)


def expires(history: History) -> datetime:
    """When nothing in it matters any more."""
    end = history.clock + timedelta(seconds=history.kept)
    return end if history.cooled is None else max(end, history.cooled)


def priority_of(request: Request) -> Priority:
    """The class: social ones by their kind, others as asked for, transactional by default."""
    if request.activity is not None:
        return "transactional" if request.activity in TRANSACTIONAL else "promotional"
    return request.priority or "transactional"


def about(request: Request) -> str | None:
    """What makes two social requests the same: kind, actor, recipient and post, a line each."""
    if request.activity is None:
        return None
    who = request.personal
    return "\n".join((request.activity, who.actor or "", who.recipient, who.post or ""))


Refusal = tuple[SuppressionReason, str | None, datetime | None]
"""Why, what it repeats, and until when the actor is cooled off."""


def _refusal(history: History, request: Request, now: datetime, limits: Limits) -> Refusal | None:
    if history.cooled is not None and now < history.cooled:
        return "cooled-off", None, history.cooled
    first = _first_sight(history, about(request), now - limits.dedupe_window)
    if first is not None:
        return "duplicate", first.id, None
    if sum(seen.at > now - limits.rate_window and seen.about is not None for seen in history.accepted) >= (
        limits.rate_limit
    ):
        return "rate-limited", None, None
    return None


def _strike(history: History, limits: Limits) -> History:
    """One refusal for the rate more: perhaps the one that cools the actor off."""
    now = history.clock
    strikes = (*(strike for strike in history.strikes if strike > now - limits.cool_off_window), now)
    if len(strikes) < limits.cool_off_after:
        return msgspec.structs.replace(history, strikes=strikes)
    return msgspec.structs.replace(history, strikes=(), cooled=now + limits.cool_off)


def _first_sight(history: History, subject: str | None, since: datetime) -> Seen | None:
    return next((seen for seen in history.accepted if seen.about == subject and seen.at > since), None)


def _recent(history: History | None, now: datetime, limits: Limits) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    if history is None:
        return (), ()
    kept = now - limits.horizon
    return (
        tuple(seen for seen in history.accepted if seen.at > kept),
        tuple(seen for seen in history.refused if seen.at > kept),
    )
