"""A processor small enough to be checked by hand that still uses all the fold offers.

It counts a notification's `sending` events and chains their ids into a hash; says so on the output topic, and on the
lane topic for every even count. Every tenth event (by number) sets a timer for its deadline, whose `came-due` is
answered by `failed`. `sent` finishes the notification. Some events are poison: `RAISES` makes the rule raise, `HUGE`
makes it emit more than the broker takes.
"""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from streams.events import Body, CameDue, Event, Failed, Instant, Queued, SendFailed, Sending, Sent
from streams.folding.rule import Incoming, Reaction
from streams.record import Record
from streams.topics import MAX_RECORD_BYTES

GRACE = timedelta(seconds=2)
"""How long a finished notification is kept, in event time."""
TIMER_EVERY = 10
RAISES, HUGE = "raises", "huge"


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    notification: str
    changed: Instant
    count: int = 0
    hash: int = 0
    waits_for: int = 0
    due: Instant | None = None
    final: bool = False


class Toy:
    table, state, version = "tally", Tally, 1

    def __init__(self, run: str) -> None:
        self._out, self._lane = f"{run}-out", f"{run}-lane"

    def key(self, event: Event[Body], _: Incoming) -> bytes:
        return event.notification.encode()

    def reads(self, _: Event[Body], __: Incoming) -> Sequence[bytes]:
        return ()

    def react(
        self, state: Tally | None, event: Event[Body], record: Incoming, _: Mapping[bytes, Tally]
    ) -> Reaction[Tally]:
        body, old = event.body, state or Tally(event.notification, event.time)

        def emit(body: Body, topic: str) -> Record:
            return Record.of(event.then(body, "toy"), topic, record.key, record.partition)

        match body:
            case Sending(number, deadline, worker) if worker == RAISES:
                raise ZeroDivisionError(f"event {number}")
            case Sending(number, _, worker) if worker == HUGE:
                huge = emit(SendFailed(number, "x" * MAX_RECORD_BYTES), self._out)
                return Reaction(msgspec.structs.replace(old, count=1_000_000), [huge])
            case Sending(number, deadline):
                count, chain = old.count + 1, zlib.crc32(event.id.encode(), old.hash)
                told = f"{count}:{chain}"
                waits = {"waits_for": number, "due": deadline} if number % TIMER_EVERY == 0 and not old.due else {}
                new = msgspec.structs.replace(old, changed=event.time, count=count, hash=chain, **waits)
                lanes = [emit(Queued(number, told), self._lane)] if count % 2 == 0 else []
                return Reaction(new, [emit(SendFailed(number, told), self._out)], lanes)
            case CameDue(number) if old.due is not None and number == old.waits_for and event.time >= old.due:
                new = msgspec.structs.replace(old, changed=event.time, waits_for=0, due=None)
                return Reaction(new, [emit(Failed(number, old.count, "due"), self._out)])
            case Sent():
                return Reaction(msgspec.structs.replace(old, changed=event.time, final=True))
            case _:
                return Reaction()

    def expires(self, state: Tally) -> datetime | None:
        return state.changed + GRACE if state.final and state.due is None else None

    def due(self, state: Tally) -> datetime | None:
        return state.due

    def wait(self, state: Tally, now: datetime) -> timedelta:
        return (state.due or now) - now

    def command(self, state: Tally, now: datetime) -> Event[Body]:
        assert state.due is not None
        return Event(CameDue(state.waits_for, "deadline"), state.notification, max(now, state.due), "toy", "c")
