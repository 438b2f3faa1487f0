"""The log in, its own conclusions out to the log, attempts to the lanes: what happens next to each notification.

Faust app of its own; its table `jobs` holds every notification on its way, keyed by notification, in the partition of
its recipient, and beside them what recipients prefer. Timers are state: a due one puts `came-due` on the log. The rules
are in `rules.notification`, `rules.conclusions` and `rules.preferences`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from streams import clock
from streams.clock import from_milliseconds
from streams.events import (
    Body,
    Event,
    Fact,
    Held,
    PreferencesSet,
    Queued,
    RedeliveryRefused,
    RedeliveryRequested,
    Withheld,
)
from streams.folding import process
from streams.folding.counts import Counts
from streams.folding.history import holds
from streams.folding.ownership import Ownership
from streams.folding.rule import Incoming, Reaction
from streams.health.vitals import Vitals
from streams.kafka.publisher import Publisher
from streams.reconciler import Reconciler
from streams.record import Record
from streams.rules import preferences
from streams.rules.conclusions import SOURCE, attempt, came_due, conclude
from streams.rules.notification import Job, evolve
from streams.rules.overdue import Patience
from streams.rules.phase import Phase
from streams.rules.preferences import Preferences
from streams.rules.retry import Retry
from streams.settings import Settings, seconds
from streams.topics import EVENTS

TABLE = "jobs"
State = Job | Preferences
"""Of a notification; or what a recipient prefers."""


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Keep every notification going until told to stop."""

    async def refuse_fresh(partition: int, counts: Counts) -> str | None:
        """Trap: with history taken for news everything would be sent again."""
        concluded = await holds(settings.kafka_url, [partition], lambda event: event.source == SOURCE, counts)
        return f"its conclusions are on {EVENTS}" if concluded else None

    async def reconcile(owned: Ownership[State], publisher: Publisher) -> None:
        patience = Patience(seconds(settings.queued_patience), seconds(settings.late_tolerance))
        await Reconciler(owned, publisher, patience, clock.now).run()

    await process.run(
        SOURCE,
        settings,
        stopping,
        vitals,
        source=EVENTS,
        rule=rule(settings),
        refuse_fresh=refuse_fresh,
        beside=reconcile,
    )


def rule(settings: Settings) -> "Lifecycle":
    """The rule with its numbers as they are set."""
    return Lifecycle(settings.retry, seconds(settings.finished_grace))


class Lifecycle:
    """The rule of the fold: fold the event, conclude, fold the conclusions; queue what is to be sent."""

    table, version = TABLE, 3
    state: "type[State]" = cast("type[State]", State)

    def __init__(self, retry: Retry, grace: timedelta) -> None:
        self._retry = retry
        self._grace = grace

    def key(self, event: Event[Body], record: Incoming) -> bytes:
        """The notification, whose events all have the same recipient; or the recipient."""
        return preferences.key(record.key) if isinstance(event.body, PreferencesSet) else event.notification.encode()

    def reads(self, _: Event[Body], record: Incoming) -> Sequence[bytes]:
        """What the recipient prefers."""
        return (preferences.key(record.key),)

    def react(
        self, state: State | None, event: Event[Body], record: Incoming, shared: Mapping[bytes, State]
    ) -> Reaction[State]:
        """What this event leads to."""
        if isinstance(event.body, PreferencesSet):
            return self._preferred(cast("Preferences | None", state), cast("Event[PreferencesSet]", event))
        preferred = cast("Preferences | None", next(iter(shared.values()), None))
        return self._moved(cast("Job | None", state), event, record, preferred)

    def expires(self, state: State) -> datetime | None:
        """A finished job is kept for a grace, long past any replay, and so are preferences that were lifted."""
        if isinstance(state, Preferences):
            return preferences.expires(state, self._grace)
        return state.changed + self._grace if state.final else None

    def due(self, state: State) -> datetime | None:
        """A retry's time, a deferral's or a hold's, or the deadline of a call."""
        return state.due if isinstance(state, Job) else None

    def wait(self, state: State, now: datetime) -> timedelta:
        """What lies between two readings of one clock, wrong or right: all of it for a call, for a retry what is left.

        Late losses harm nobody, false ones send again: by a clock that is an hour ahead every call would be lost.
        """
        if isinstance(state, Preferences) or state.due is None:
            return timedelta.max
        span = state.due - state.changed
        return span if state.phase is Phase.SENDING else min(max(state.due - now, timedelta()), span)

    def command(self, state: State, now: datetime) -> Event[Body]:
        """`came-due`, which counts only if the job still waits for it when it is read."""
        if isinstance(state, Preferences):
            raise NotImplementedError(f"preferences wait for nothing, asked for a command at {now} by {state}")
        return came_due(state, now)

    def _preferred(self, before: Preferences | None, event: Event[PreferencesSet]) -> Reaction[State]:
        after = preferences.evolve(before, event)
        return Reaction(None if after is before else after)

    def _moved(
        self, before: Job | None, event: Event[Body], record: Incoming, preferred: Preferences | None
    ) -> Reaction[State]:
        job, log, lanes, reasons = evolve(before, event), list[Record](), list[Record](), list[str]()
        for conclusion in self._too_old(before, event, record) or conclude(job, event, self._retry, preferred):
            job = evolve(job, conclusion)
            log.append(Record.of(conclusion, EVENTS, record.key, record.partition))
            match conclusion.body:
                case Queued(_, lane) if job is not None:
                    lanes.append(Record.of(attempt(job, conclusion), lane, record.key, record.partition))
                case Withheld(_, reason):
                    reasons.append(reason)
                case Held():
                    reasons.append("quiet-hours")
        return Reaction(None if job is before else job, log, lanes, reasons)

    def _too_old(self, state: Job | None, event: Event[Body], record: Incoming) -> list[Event[Fact]]:
        """Refuses a redelivery that was written long after it was asked for, of a job that we have forgotten.

        Trap: it tells of the job as it was then. If that was redelivered since, its next dispatch has been one before.
        """
        body = event.body
        if state is not None or not isinstance(body, RedeliveryRequested):
            return []
        late = from_milliseconds(record.stamp) - event.time > self._grace / 2
        return [event.then(RedeliveryRefused(body.redelivery, "too-old"), SOURCE)] if late else []
