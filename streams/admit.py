"""`notification-requests` in, one outcome each out to the log: accepted, suppressed or repeated.

Faust app of its own; its table `history` remembers what was decided under each record key (the actor, else the
notification). The rules are in `admission`.
"""

import asyncio
from datetime import datetime, timedelta
from typing import cast

from streams.admission import SOURCE, History, Limits, evolve, expires, judge
from streams.codec import Undecodable
from streams.events import Accepted, Body, Event, Origin, Repeated, Requested, Suppressed
from streams.folding import process
from streams.folding.rule import Incoming, Reaction
from streams.history import holds
from streams.record import Record
from streams.settings import Settings, seconds
from streams.topics import EVENTS, REQUESTS
from streams.vitals import Vitals

TABLE = "history"


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Admit until told to stop."""

    async def refuse_fresh(partition: int) -> str | None:
        """Trap: requests that were judged before would be accepted, and sent, again."""
        everywhere = range(settings.partitions)
        judged = await holds(settings.kafka_url, everywhere, lambda event: _answers(event, partition))
        return f"its requests have outcomes on {EVENTS}" if judged else None

    await process.run(
        SOURCE,
        settings,
        stopping,
        vitals,
        source=REQUESTS,
        rule=Admit(limits(settings)),
        refuse_fresh=refuse_fresh,
    )


def limits(settings: Settings) -> Limits:
    """The rules' numbers as they are set."""
    return Limits(
        seconds(settings.dedupe_window),
        seconds(settings.rate_window),
        settings.rate_limit,
        seconds(settings.id_horizon),
    )


class Admit:
    """The rule of the fold: one outcome a request, under the recipient's key."""

    table, state, version = TABLE, History, 1

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def key(self, _: Event[Body], record: Incoming) -> bytes:
        """The record key itself: the actor, else the notification."""
        return record.key

    def react(self, state: History | None, event: Event[Body], record: Incoming) -> Reaction[History]:
        """Judge the request and remember the verdict."""
        if not isinstance(event.body, Requested):
            raise Undecodable(f"expected a request on {REQUESTS}, got {event.id}")
        requested = cast("Event[Requested]", event)
        verdict = judge(state, requested, Origin(record.partition, record.offset), self._limits)
        key = requested.body.request.recipient_key.encode()
        return Reaction(evolve(state, verdict, self._limits), [Record.of(verdict, EVENTS, key)])

    def expires(self, state: History) -> datetime | None:
        """When no rule can ask for it any more."""
        return expires(state, self._limits)

    def due(self, _: History) -> datetime | None:
        """Never: nothing here waits for a time."""
        return None

    def wait(self, state: History, now: datetime) -> timedelta:
        """Not called, since nothing is ever due."""
        raise NotImplementedError(f"admit sets no timers, asked about one at {now} by {state}")

    def command(self, state: History, now: datetime) -> Event[Body]:
        """Not called, since nothing is ever due."""
        raise NotImplementedError(f"admit sets no timers, asked for one at {now} by {state}")


def _answers(event: Event[Body], partition: int) -> bool:
    """Whether it is the outcome of a request of this partition."""
    return isinstance(event.body, Accepted | Suppressed | Repeated) and event.body.origin.partition == partition
