"""Whole lives of notifications, made by the real rules from the outcomes of their attempts; and logs of them."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from projections.position import Place
from projections.reading import Item
from streams.events import (
    CHANNELS,
    Accepted,
    Acknowledged,
    Body,
    CameDue,
    Channel,
    Event,
    Failed,
    Held,
    Origin,
    Personal,
    Queued,
    QuietHours,
    RedeliveryRequested,
    Request,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    Sent,
    Suppressed,
)
from streams.intake.requests import recipient_key
from streams.record import Record
from streams.rules import notification
from streams.rules.conclusions import conclude
from streams.rules.preferences import Preferences
from streams.topics import EVENTS
from tests.support.numbers import RETRY

START = datetime(2026, 1, 1, tzinfo=UTC)
MAX_ATTEMPTS = 3
OUTCOMES = ("s", "fs", "fff", "ds", "ls", "f", "", "sa", "k", "srs", "fffrfs")
SUPPRESSED = 8
"""Of every nine, the last."""
PREFERRED = {
    5: Preferences("preferences:ada:preferences-set:1", 1, channels_off=CHANNELS),
    6: Preferences("preferences:ada:preferences-set:2", 2, quiet_hours=QuietHours("00:00", "00:05", "UTC")),
}
"""Of every nine, by which some are withheld and held."""
Events = list[Event[Body]]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def request(recipient: str = "ada@example.org", channel: Channel = "email", message: str = "hello") -> Request:
    return Request(channel, recipient_key(recipient, "s"), MAX_ATTEMPTS, Personal(recipient, message, {"order": 4711}))


def event(body: Body, name: str = "n", seconds: float = 0) -> Event[Body]:
    return Event(body, name, at(seconds), "test", name)


def accepted(name: str, seconds: float = 0, asked: Request | None = None) -> Event[Body]:
    return event(Accepted(asked or request(), "transactional", Origin(0, 0)), name, seconds)


def suppressed(name: str, seconds: float = 0, asked: Request | None = None) -> Event[Body]:
    return event(Suppressed(asked or request(), "promotional", Origin(0, 0), "duplicate", "other"), name, seconds)


def life(first: Event[Body], outcomes: str = "s", preferred: Preferences | None = None) -> Events:
    """What the log says of a notification whose attempts end so: sent, failed, deferred, lost, kept (no outcome,
    but its recipient acknowledges it). Once that is final it may be acknowledged, or redelivered.
    """
    told: Events = []
    job = None
    todo = [first]
    left = list(outcomes)
    while todo:
        one = todo.pop(0)
        job = notification.evolve(job, one)
        concluded = conclude(job, one, RETRY, preferred)
        for conclusion in concluded:
            job = notification.evolve(job, conclusion)
        told += [one, *concluded]
        for happened in (one, *concluded):
            todo += _world(happened, left)
    return told


def _world(one: Event[Body], left: list[str]) -> Events:
    """What deliver, the timers and the recipient add to an event; nothing once the outcomes have run out."""
    later = one.time + timedelta(milliseconds=100)
    match one.body:
        case Queued(dispatch) if left:
            return [one.then(Sending(dispatch, later + timedelta(seconds=15), "w"), "deliver", later)]
        case Sending(dispatch, deadline) if left:
            outcome = left.pop(0)
            if outcome == "l":
                return [one.then(CameDue(dispatch, "deadline"), "lifecycle", deadline)]
            if outcome == "k":
                return [one.then(Acknowledged(), "gateway", later)]
            return [one.then(_outcome(outcome, dispatch, later), "deliver", later)]
        case SendDeferred(dispatch, until):
            return [one.then(CameDue(dispatch, "deferral"), "lifecycle", until)]
        case Held(hold, dispatch, until):
            return [one.then(CameDue(dispatch, "hold", hold), "lifecycle", until)]
        case RetryScheduled(dispatch, not_before):
            return [one.then(CameDue(dispatch, "retry"), "lifecycle", not_before)]
        case Sent(dispatch) | Failed(dispatch) if left[:1] == ["r"]:
            left.pop(0)
            wish = RedeliveryRequested(f"r{dispatch}", "ada", "lost", dispatch, "transactional", request())
            return [one.then(wish, "gateway", later)]
        case Sent() if left == ["a"]:
            left.clear()
            return [one.then(Acknowledged(), "gateway", later)]
        case _:
            return []


def _outcome(outcome: str, dispatch: int, later: datetime) -> Body:
    match outcome:
        case "s":
            return Sent(dispatch)
        case "d":
            return SendDeferred(dispatch, later + timedelta(seconds=2))
        case _:
            return SendFailed(dispatch, f"refused the {dispatch}. time")


def shuffled(lives: Iterable[Events], seed: int = 0) -> Events:
    """All of them on one log, each in its own order."""
    chooser = random.Random(seed)
    rest = [list(life) for life in lives if life]
    log: Events = []
    while rest:
        chosen = chooser.choice(rest)
        log.append(chosen.pop(0))
        rest = [life for life in rest if life]
    return log


def many(count: int, prefix: str = "n") -> Events:
    """The log of notifications with all kinds of lives, mixed."""
    lives: list[Events] = []
    for number in range(count):
        name, asked = f"{prefix}{number}", request(f"user{number % 7}@example.org", CHANNELS[number % 3])
        if number % 9 == SUPPRESSED:
            lives.append([suppressed(name, number, asked)])
        else:
            outcomes = OUTCOMES[number % len(OUTCOMES)]
            lives.append(life(accepted(name, number, asked), outcomes, PREFERRED.get(number % 9)))
    return shuffled(lives)


def items(events: Iterable[Event[Body]], partition: int = 0, first: int = 0) -> list[Item]:
    """As they lie in one partition."""
    return [Item(one, Place(partition, first + number)) for number, one in enumerate(events)]


def records(events: Events) -> list[Record]:
    """To be put on the log; all of a notification's in one partition."""
    return [Record.of(one, EVENTS, one.notification.encode()) for one in events]
