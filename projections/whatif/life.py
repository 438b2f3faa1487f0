"""A shadow life: an accepted request goes through the processors' own rules, and a given world answers. Pure."""

import heapq
from collections.abc import Callable, Iterator
from datetime import timedelta

from msgspec import Struct

from projections.whatif.answers import Said
from projections.whatif.recorded import ENDS, End
from streams.clock import milliseconds
from streams.events import (
    CHANNELS,
    Accepted,
    Body,
    CameDue,
    Event,
    Obligation,
    Queued,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    Sent,
)
from streams.rules import conclusions, notification
from streams.rules.notification import Job
from streams.rules.preferences import Preferences
from streams.rules.retry import Retry

ALLOWED = timedelta(seconds=15)
"""The deadline of a call that was not lost: nothing asks for it."""
SOURCE = "what-if"

World = Callable[[int], Said | None]
"""What comes of a dispatch; None: nothing has, by the end of what was read."""


class Lived(Struct):
    """How it went: provider calls, failed attempts, and when it was first sent, in milliseconds since 1970."""

    end: End
    calls: int = 0
    failures: int = 0
    sent: int | None = None


def live(accepted: Event[Accepted], world: World, retry: Retry, withheld: int | None = None) -> Lived:
    """From acceptance to the end, or to where the world falls silent; after dispatch `withheld` nobody wants it."""
    waiting: list[tuple[int, int, Event[Body]]] = [(0, 0, accepted)]
    job: Job | None = None
    lived, pushed = Lived("open"), 0
    while waiting:
        event = heapq.heappop(waiting)[2]
        job = notification.evolve(job, event)
        happened: list[Event[Body]] = [event]
        for conclusion in conclusions.conclude(job, event, retry, _preferred(job, withheld)):
            job = notification.evolve(job, conclusion)
            happened.append(conclusion)
        for one in happened:
            _count(lived, one)
            for answer in _answers(one, world):
                pushed += 1
                heapq.heappush(waiting, (milliseconds(answer.time), pushed, answer))
    if job is not None:
        lived.failures = job.attempts
        lived.end = ENDS.get(job.phase, "open")
    return lived


def _preferred(job: Job | None, withheld: int | None) -> Preferences | None:
    """What the recipient prefers, as far as the record tells: not to get it, once it did not go out for that."""
    if job is None or withheld is None or job.dispatch < withheld:
        return None
    return Preferences(SOURCE, 0, channels_off=CHANNELS)


def _count(lived: Lived, event: Event[Body]) -> None:
    match event.body:
        case Sending():
            lived.calls += 1
        case Sent() if lived.sent is None:
            lived.sent = milliseconds(event.time)
        case _:
            pass


def _answers(event: Event[Body], world: World) -> Iterator[Event[Body]]:
    """What the timers, the reconciler, deliver and the provider do about an event."""
    match event.body:
        case Queued(dispatch):
            yield from _taken(event, dispatch, world(dispatch))
        case Sending(dispatch, deadline):
            yield from _called(event, dispatch, deadline - event.time, world(dispatch))
        case SendDeferred(dispatch, until):
            yield from _due(event, dispatch, "deferral", until - event.time, world)
        case RetryScheduled(dispatch, not_before):
            yield from _due(event, dispatch, "retry", not_before - event.time, world)
        case _:
            pass


def _taken(event: Event[Body], dispatch: int, said: Said | None) -> Iterator[Event[Body]]:
    if said is None:
        return
    if said.wait is not None:
        began = event.time + _ms(said.wait)
        allowed = ALLOWED if said.lost is None else _ms(said.lost)
        yield event.then(Sending(dispatch, began + allowed, SOURCE), SOURCE, began)
    elif said.renewed is not None:
        yield event.then(CameDue(dispatch, "lane"), SOURCE, event.time + _ms(said.renewed))


def _called(event: Event[Body], dispatch: int, allowed: timedelta, said: Said | None) -> Iterator[Event[Body]]:
    if said is None:
        return
    if said.took is not None:
        answered = event.time + _ms(said.took)
        match said.answer:
            case "sent":
                yield event.then(Sent(dispatch), SOURCE, answered)
            case "deferred":
                yield event.then(SendDeferred(dispatch, answered + _ms(said.deferred)), SOURCE, answered)
            case _:
                yield event.then(SendFailed(dispatch, SOURCE), SOURCE, answered)
    if said.lost is not None:
        yield event.then(CameDue(dispatch, "deadline"), SOURCE, event.time + allowed)


def _due(
    event: Event[Body], dispatch: int, obligation: Obligation, planned: timedelta, world: World
) -> Iterator[Event[Body]]:
    """The timer; not if, in the record, the next dispatch is still to come."""
    following = world(dispatch + 1)
    if following is not None:
        late = planned + _ms(following.late)
        yield event.then(CameDue(dispatch, obligation), SOURCE, event.time + late)


def _ms(count: int) -> timedelta:
    return timedelta(milliseconds=count)
