"""What the operations say of each replay: events of `notification-operations` in, where every replay stands out. Pure.

The topic has one partition, so everybody who reads it agrees on what came first: a command that comes too late changes
nothing.
"""

from datetime import datetime
from typing import Literal, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from streams import operations
from streams.clock import iso
from streams.codec import Undecodable
from streams.operations import (
    Event,
    Operation,
    ReplayCancelled,
    ReplayCounted,
    ReplayDone,
    ReplayFailed,
    Replaying,
    ReplayPaused,
    ReplayReached,
    ReplayRequested,
    ReplayResumed,
)
from streams.replays import Extents, Order

State = Literal["counting", "ready", "running", "paused", "failed", "done", "cancelled"]
Verb = Literal["pause", "resume", "cancel"]
WORKING: tuple[State, ...] = ("counting", "running")
FROM: dict[Verb, tuple[State, ...]] = {
    "pause": WORKING,
    "resume": ("ready", "paused", "failed"),
    "cancel": ("counting", "ready", "running", "paused", "failed"),
}
"""The states in which each can be said."""


class Replay(Struct, frozen=True, rename="camel"):
    """One replay. `reached` are the offsets, by partition, up to which it was told, `counts` None until counted."""

    id: str
    state: State
    order: Order
    created: datetime
    updated: datetime
    by: str
    why: str
    extents: Extents = {}
    counts: dict[str, int] | None = None
    unreadable: int = 0
    reached: dict[int, int] = {}
    delivered: int = 0
    error: str = ""

    @property
    def total(self) -> int:
        """How many events it is about; 0 until counted."""
        return sum((self.counts or {}).values())


class Book:
    """All replays by id, oldest first."""

    def __init__(self) -> None:
        self.replays: dict[str, Replay] = {}

    def take(self, value: bytes | None) -> bool:
        """Read the next record of the topic; whether it is about a replay. The dead letters show what can't be read."""
        try:
            event = operations.read(value)
        except Undecodable:
            return False
        if not isinstance(event.done, get_args(Replaying)):
            return False
        name = event.done.replay
        after = evolve(self.replays.get(name), event)
        if after is not None:
            self.replays[name] = after
        return True


def evolve(replay: Replay | None, event: Event) -> Replay | None:
    """Where the replay stands after this event; the same object if it changes nothing."""
    done = event.done
    if replay is None:
        if not isinstance(done, ReplayRequested):
            return None
        return Replay(done.replay, "counting", done.order, event.time, event.time, event.by, event.why)
    after = _after(replay, done)
    return after if after is replay else replace(after, updated=event.time)


def may(replay: Replay, verb: Verb) -> bool:
    """Whether this can be done with it now."""
    return replay.state in FROM[verb]


def refusal(replay: Replay, verb: Verb) -> str:
    """Why not."""
    return f"expected a replay that is {' or '.join(FROM[verb])} to {verb}, {replay.id} is {replay.state}"


def command(replay: str, verb: Verb) -> Operation:
    """The operation that says so."""
    match verb:
        case "pause":
            return ReplayPaused(replay)
        case "resume":
            return ReplayResumed(replay)
        case "cancel":
            return ReplayCancelled(replay)


def _after(replay: Replay, done: Operation) -> Replay:
    match done:
        case ReplayCounted(_, extents, counts, unreadable) if replay.counts is None and may(replay, "cancel"):
            state = replay.state if replay.state != "counting" else "ready" if replay.order.preview else "running"
            return replace(replay, extents=extents, counts=counts, unreadable=unreadable, state=state)
        case ReplayReached(_, delivered, offsets):
            return _reached(replay, delivered, offsets)
        case ReplayPaused() if may(replay, "pause"):
            return replace(replay, state="paused")
        case ReplayResumed() if may(replay, "resume"):
            return replace(replay, state="counting" if replay.counts is None else "running", error="")
        case ReplayCancelled() if may(replay, "cancel"):
            return replace(replay, state="cancelled")
        case ReplayFailed(_, error) if replay.state in WORKING:
            return replace(replay, state="failed", error=error)
        case ReplayDone(_, delivered) if may(replay, "cancel"):
            return replace(replay, state="done", delivered=delivered)
        case _:
            return replay


def _reached(replay: Replay, delivered: int, offsets: dict[int, int]) -> Replay:
    """Forward only: a worker that wakes up late has told less than the one that took over from it."""
    furthest = {number: max(offset, replay.reached.get(number, 0)) for number, offset in offsets.items()}
    return replace(replay, reached=replay.reached | furthest, delivered=max(delivered, replay.delivered))


def shown(replay: Replay) -> dict[str, object]:
    """For people and programs, over HTTP and on the command line."""
    told: dict[str, object] = msgspec.to_builtins(replay, str_keys=True, builtin_types=(datetime,))
    return _dated(told) | {"total": replay.total}


def _dated(told: dict[str, object]) -> dict[str, object]:
    """Times as text, in whichever part."""
    found: dict[str, object] = {}
    for name, value in told.items():
        found[name] = iso(value) if isinstance(value, datetime) else _dated(value) if isinstance(value, dict) else value
    return found
