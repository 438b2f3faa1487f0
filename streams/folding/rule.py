"""What a stateful processor is to the fold: a `Rule`, pure, that turns one event and one state into a `Reaction`.

A rule reads no clock, no randomness and no environment, and never mutates the state it is given: the fold repeats an
event after a crash and must get the same records, with the same ids, and the same state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from streams.events import Body, Event
from streams.record import Record

SHARED = b"\xff"
"""What a table key begins with if events of other keys read its state. No key that is text does.

Such a state is written after all others of its batch: whatever was judged by an earlier one is guarded by its own row
then, so that a repeat after a crash never judges by what came later. So all that is decided must change a state.
"""

StateT = TypeVar("StateT", bound=Struct)


class Incoming(NamedTuple):
    """The record an event came in. Emit to `partition` when the emitted record's key is `key`."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Reaction(Generic[StateT]):
    """What one event leads to.

    `state` replaces the key's state (None leaves it as it is). The broker has every record of `log` before the first
    of `lanes` is sent, so a command never overtakes the fact that announces it; both before the state is kept.
    `reasons` are why something was kept back, to be counted.
    """

    state: StateT | None = None
    log: Sequence[Record] = ()
    lanes: Sequence[Record] = ()
    reasons: Sequence[str] = ()


class Rule(Protocol[StateT]):
    """How a processor folds and decides.

    `version` is written beside every state: raise it when old states can no longer be read as `state`.
    """

    table: str
    """Names the changelog topic, together with the app: see `topics.changelog`."""
    state: type[StateT]
    version: int

    def key(self, event: Event[Body], record: Incoming) -> bytes:
        """The table key this event concerns: always the same one for the same record key's partition."""

    def reads(self, event: Event[Body], record: Incoming) -> Sequence[bytes]:
        """The `SHARED` keys, of the same partition, whose states this event is judged by beside its own."""

    def react(
        self, state: StateT | None, event: Event[Body], record: Incoming, shared: Mapping[bytes, StateT]
    ) -> Reaction[StateT]:
        """The new state and the records to write. Raising sends the event to the dead letters: a last resort.

        `shared` are the states it `reads`, those that there are.
        """

    def expires(self, state: StateT) -> datetime | None:
        """From this event time on the key may be forgotten; None keeps it."""

    def due(self, state: StateT) -> datetime | None:
        """When the state next needs a `command`, if it is not changed before; None for never."""

    def wait(self, state: StateT, now: datetime) -> timedelta:
        """How long from now to wait for that, the state having been seen just now.

        Trap: `due` was told by another process's clock, which may be an hour from ours.
        """

    def command(self, state: StateT, now: datetime) -> Event[Body]:
        """The event to put on the source topic, under the record key of the state's last event, once it is due.

        Trap: by our wall clock it may not be due yet; an event that says so would be ignored, and no other one comes.
        """
