"""The log in, its own conclusions out to the log, attempts to the lanes: what happens next to each notification.

Faust app of its own; its table `jobs` holds every notification on its way, keyed by notification, in the partition of
its recipient. Timers are state: a due one puts `came-due` on the log. The rules are in `notification`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from streams import clock
from streams.clock import from_milliseconds
from streams.events import Body, Event, Fact, Queued, RedeliveryRefused, RedeliveryRequested
from streams.folding import process
from streams.folding.counts import Counts
from streams.folding.ownership import Ownership
from streams.folding.rule import Incoming, Reaction
from streams.history import holds
from streams.kafka import Publisher
from streams.notification import SOURCE, Job, Phase, attempt, came_due, conclude, evolve
from streams.reconciler import Patience, Reconciler
from streams.record import Record
from streams.retry import LinearRetry
from streams.settings import Settings, seconds
from streams.topics import EVENTS
from streams.vitals import Vitals

TABLE = "jobs"


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Keep every notification going until told to stop."""

    async def refuse_fresh(partition: int, counts: Counts) -> str | None:
        """Trap: with history taken for news everything would be sent again."""
        concluded = await holds(settings.kafka_url, [partition], lambda event: event.source == SOURCE, counts)
        return f"its conclusions are on {EVENTS}" if concluded else None

    async def reconcile(owned: Ownership[Job], publisher: Publisher) -> None:
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
    return Lifecycle(LinearRetry(seconds(settings.retry_step)), seconds(settings.finished_grace))


class Lifecycle:
    """The rule of the fold: fold the event, conclude, fold the conclusions; queue what is to be sent."""

    table, state, version = TABLE, Job, 2

    def __init__(self, retry: LinearRetry, grace: timedelta) -> None:
        self._retry = retry
        self._grace = grace

    def key(self, event: Event[Body], _: Incoming) -> bytes:
        """The notification, whose events all have the same recipient."""
        return event.notification.encode()

    def reads(self, _: Event[Body], __: Incoming) -> Sequence[bytes]:
        """Nothing but the job."""
        return ()

    def react(self, state: Job | None, event: Event[Body], record: Incoming, _: Mapping[bytes, Job]) -> Reaction[Job]:
        """What this event leads to."""
        job, log, lanes = evolve(state, event), [], []
        for conclusion in self._too_old(state, event, record) or conclude(job, event, self._retry):
            job = evolve(job, conclusion)
            log.append(Record.of(conclusion, EVENTS, record.key, record.partition))
            if job is not None and isinstance(conclusion.body, Queued):
                lane = Record.of(attempt(job, conclusion), conclusion.body.lane, record.key, record.partition)
                lanes.append(lane)
        return Reaction(None if job is state else job, log, lanes)

    def _too_old(self, state: Job | None, event: Event[Body], record: Incoming) -> list[Event[Fact]]:
        """Refuses a redelivery that was written long after it was asked for, of a job that we have forgotten.

        Trap: it tells of the job as it was then. If that was redelivered since, its next dispatch has been one before.
        """
        body = event.body
        if state is not None or not isinstance(body, RedeliveryRequested):
            return []
        late = from_milliseconds(record.stamp) - event.time > self._grace / 2
        return [event.then(RedeliveryRefused(body.redelivery, "too-old"), SOURCE)] if late else []

    def expires(self, state: Job) -> datetime | None:
        """A finished job is kept for a grace: long past any replay."""
        return state.changed + self._grace if state.final else None

    def due(self, state: Job) -> datetime | None:
        """A retry's time, a deferral's, or the deadline of a call."""
        return state.due

    def wait(self, state: Job, now: datetime) -> timedelta:
        """What lies between two readings of one clock, wrong or right: all of it for a call, for a retry what is left.

        Late losses harm nobody, false ones send again: by a clock that is an hour ahead every call would be lost.
        """
        if state.due is None:
            return timedelta.max
        span = state.due - state.changed
        return span if state.phase is Phase.SENDING else min(max(state.due - now, timedelta()), span)

    def command(self, state: Job, now: datetime) -> Event[Body]:
        """`came-due`, which counts only if the job still waits for it when it is read."""
        return came_due(state, now)
