"""`notification-requests` in, one outcome each out to the log: accepted, suppressed or repeated.

Faust app of its own; its table `history` remembers what was decided under each record key (the actor, else the
notification). The rules are in `rules.admission`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from streams import operations
from streams.codec import Undecodable
from streams.events import (
    Accepted,
    Body,
    CoolOffLifted,
    Event,
    Noted,
    Origin,
    PolicySet,
    Repeated,
    Request,
    Requested,
    Suppressed,
)
from streams.folding import process
from streams.folding.counts import Counts
from streams.folding.history import holds
from streams.folding.rule import Incoming, Reaction
from streams.health.vitals import Vitals
from streams.operations import CooledOff
from streams.record import Record
from streams.rules import policies
from streams.rules.admission import SOURCE, History, Limits, Verdict, evolve, expires, judge, lifted
from streams.rules.policies import Policy
from streams.settings import Settings
from streams.topics import EVENTS, REQUESTS

TABLE = "history"
OUTCOMES = (Accepted, Suppressed, Repeated, Noted)
State = History | Policy
"""Of an actor or a notification; or a policy."""


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Admit until told to stop."""

    async def refuse_fresh(partition: int, counts: Counts) -> str | None:
        """Trap: requests that were judged before would be accepted, and sent, again."""
        everywhere = range(settings.partitions)
        judged = await holds(settings.kafka_url, everywhere, lambda event: _answers(event, partition), counts)
        return f"its requests have outcomes on {EVENTS}" if judged else None

    await process.run(
        SOURCE,
        settings,
        stopping,
        vitals,
        source=REQUESTS,
        rule=Admit(settings.limits),
        refuse_fresh=refuse_fresh,
    )


class Admit:
    """The rule of the fold: one outcome a request, under the recipient's key."""

    table, version = TABLE, 2
    state: "type[State]" = cast("type[State]", History | Policy)

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def key(self, event: Event[Body], record: Incoming) -> bytes:
        """The record key itself, the actor, else the notification; a policy's own."""
        body = event.body
        return policies.key(body.scope, body.about) if isinstance(body, PolicySet) else record.key

    def reads(self, event: Event[Body], _: Incoming) -> Sequence[bytes]:
        """The policies that may be in force."""
        return [*policies.concerning(event.body.request)] if isinstance(event.body, Requested) else ()

    def react(
        self, state: "State | None", event: Event[Body], record: Incoming, shared: Mapping[bytes, "State"]
    ) -> "Reaction[State]":
        """Judge the request and remember the verdict; or note what is to hold from now on."""
        origin = Origin(record.partition, record.offset)
        match event.body:
            case Requested():
                in_force = cast("Mapping[bytes, Policy]", shared)
                return self._judged(cast("History | None", state), cast("Event[Requested]", event), origin, in_force)
            case PolicySet() as policy:
                after = policies.evolve(cast("Policy | None", state), event.id, policy)
                return Reaction(after, [_noted(event, Noted(origin, policy=policy))])
            case CoolOffLifted() as lifting:
                history = lifted(cast("History | None", state), event.time, self._limits)
                return Reaction(history, [_noted(event, Noted(origin, lifted=lifting))])
            case _:
                raise Undecodable(f"expected a request on {REQUESTS}, got {event.id}")

    def _judged(
        self, before: History | None, event: Event[Requested], origin: Origin, in_force: Mapping[bytes, Policy]
    ) -> "Reaction[State]":
        limits, names = policies.limits_under(self._limits, in_force, event.body.request)
        verdict = judge(before, event, origin, limits, names)
        after = evolve(before, verdict, limits)
        told = [Record.of(verdict, EVENTS, event.body.request.recipient_key.encode())]
        if after is not None and after.cooled is not None and (before is None or before.cooled != after.cooled):
            told.append(_cooled(event.body.request, verdict, after.cooled, limits))
        return Reaction(after, told, reasons=[verdict.body.reason] if isinstance(verdict.body, Suppressed) else ())

    def expires(self, state: "State") -> datetime | None:
        """When no rule can ask for it any more; a policy stays."""
        return expires(state) if isinstance(state, History) else None

    def due(self, _: "State") -> datetime | None:
        """Never: nothing here waits for a time."""
        return None

    def wait(self, state: "State", now: datetime) -> timedelta:
        """Not called, since nothing is ever due."""
        raise NotImplementedError(f"admit sets no timers, asked about one at {now} by {state}")

    def command(self, state: "State", now: datetime) -> Event[Body]:
        """Not called, since nothing is ever due."""
        raise NotImplementedError(f"admit sets no timers, asked for one at {now} by {state}")


def _noted(event: Event[Body], noted: Noted) -> Record:
    """On the log, in a partition of its own subject's."""
    return Record.of(event.then(noted, SOURCE), EVENTS, event.notification.encode())


def _cooled(request: Request, verdict: Event[Verdict], until: datetime, limits: Limits) -> Record:
    why = f"refused for its rate {limits.cool_off_after} times in {limits.cool_off_window.total_seconds():g} s"
    done = CooledOff(request.personal.actor or "", until)
    return operations.to_record(operations.Event(done, verdict.time, SOURCE, SOURCE, why))


def _answers(event: Event[Body], partition: int) -> bool:
    """Whether it is the outcome of a request of this partition."""
    return isinstance(event.body, OUTCOMES) and event.body.origin.partition == partition
