"""A notification's story in, its causes and effects out: what led to what, how long each step took, who acted. Pure.

Two of the links are not on the log: the request that the outcome of admit answers, and the lane record between `queued`
and `sending`. Both are told by their neighbours.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from projections.past.history import History, events
from projections.position import Place
from streams.clock import from_milliseconds, iso, milliseconds
from streams.events import (
    KINDS,
    Accepted,
    Attempt,
    Body,
    CameDue,
    Event,
    Noted,
    Obligation,
    PolicySet,
    Queued,
    Requested,
    SendDeferred,
    SendFailed,
    Sending,
    Sent,
    Suppressed,
)
from streams.rules.notification import due_of
from streams.topics import EVENTS, REQUESTS

IN_THE_CALL = "in the provider's call"
SPENT = {Sending: "in the lane", Sent: IN_THE_CALL, SendFailed: IN_THE_CALL, SendDeferred: IN_THE_CALL}
WAITED: dict[Obligation, str] = {
    "retry": "until the next attempt",
    "deferral": "as the provider asked",
    "deadline": "for an outcome",
    "lane": "in the lane, in vain",
    "hold": "for the end of quiet hours",
}
"""What went by between an event and its cause, by the event, or by what a timer was for."""
ELSEWHERE = ("request", "origin", "policies", "worker", "provider")
"""Parts of a body that are told in another way than as details."""


class Step(Struct, rename="camel", omit_defaults=True):
    """An event. `cause` is the id of the one that led to it, `after_ms` how long that lies back.

    `late_ms`: how long after its planned time a timer came. `topic`, `partition` and `offset` are where it lies.
    """

    id: str
    event: str
    at: str
    topic: str
    partition: int
    offset: int
    source: str | None = None
    cause: str | None = None
    after_ms: int | None = None
    spent: str | None = None
    late_ms: int | None = None
    worker: str | None = None
    provider: str | None = None
    details: dict[str, Any] = {}


class Policy(Struct, rename="camel", omit_defaults=True):
    """Limits that were in force; windows in seconds. `version` is when they were set, in milliseconds since 1970."""

    id: str
    scope: str
    about: str
    version: int
    since: str
    rate_limit: int | None = None
    rate_window: float | None = None
    dedupe_window: float | None = None


class Why(Struct, rename="camel", omit_defaults=True):
    """The whole answer: the steps in log order, each with its cause. An acknowledgement names none."""

    id: str
    correlation_id: str
    status: str
    took_ms: int
    steps: list[Step]
    policies: list[Policy] = []


def why(history: History, policies: Mapping[str, History]) -> Why:
    """What led to where a notification stands; `policies` are the stories of those that it names, by subject."""
    assert history.standing is not None
    told = list(events(history))
    times = [milliseconds(event.time) for event, _ in told]
    return Why(
        history.subject,
        told[0][0].correlation,
        history.standing.status,
        max(times) - min(times),
        _steps(told),
        [_policy(name, policies.get(subject(name))) for name in named(history)],
    )


def named(history: History) -> tuple[str, ...]:
    """The ids of the events that set the limits it was judged by, where these are not the settings' alone."""
    body = next(events(history))[0].body
    return body.policies if isinstance(body, Accepted | Suppressed) else ()


def subject(policy: str) -> str:
    """The subject of an event that set a policy: its id without kind and version."""
    return policy.rsplit(":", 2)[0]


def _steps(told: list[tuple[Event[Body], Place]]) -> list[Step]:
    known: dict[str, Event[Body]] = {}
    found: list[Step] = []
    for event, place in told:
        if isinstance(event.body, Accepted | Suppressed):
            requested, step = _requested(event, event.body, place)
            found += [requested, step]
        else:
            found.append(_step(event, place, known.get(_cause(event, known) or "")))
        known[event.id] = event
    return found


def _requested(event: Event[Body], body: Accepted | Suppressed, place: Place) -> tuple[Step, Step]:
    """The request, as its outcome tells of it, and the outcome."""
    request, origin = body.request, body.origin
    asked = {"channel": request.channel, "activity": request.activity, "maxAttempts": request.max_attempts}
    known = {name: value for name, value in asked.items() if value is not None}
    name = event.causation or f"{event.notification}:{KINDS[Requested]}:0"
    requested = Step(name, KINDS[Requested], iso(event.time), REQUESTS, origin.partition, origin.offset, details=known)
    decided = _step(event, place, None)
    decided.cause, decided.after_ms = name, 0
    return requested, decided


def _cause(event: Event[Body], known: Mapping[str, Event[Body]]) -> str | None:
    """The id of the event that led to it: for a lane record, that which put it there, or announced the call."""
    cause, lane = event.causation or "", f"{event.notification}:{KINDS[Attempt]}:"
    if not cause.startswith(lane):
        return event.causation
    queued, sending = (f"{event.notification}:{KINDS[kind]}:{cause.removeprefix(lane)}" for kind in (Queued, Sending))
    return sending if sending in known and not isinstance(event.body, Sending) else queued


def _step(event: Event[Body], place: Place, cause: Event[Body] | None) -> Step:
    body = event.body
    step = Step(event.id, KINDS[type(body)], iso(event.time), EVENTS, *place, event.source, details=_details(body))
    if isinstance(body, Sending):
        step.worker, step.provider = body.worker, body.provider or None
    if cause is not None:
        step.cause, step.after_ms = cause.id, milliseconds(event.time) - milliseconds(cause.time)
        step.spent = WAITED[body.obligation] if isinstance(body, CameDue) else SPENT.get(type(body))
        planned = due_of(cause.body)
        if isinstance(body, CameDue) and planned is not None:
            step.late_ms = milliseconds(event.time) - milliseconds(planned)
    return step


def _details(body: Body) -> dict[str, Any]:
    told = msgspec.to_builtins(body, builtin_types=(datetime,))
    return {
        name: iso(value) if isinstance(value, datetime) else value
        for name, value in told.items()
        if name not in ELSEWHERE
    }


def _policy(name: str, history: History | None) -> Policy:
    """The policy that this event set; without its numbers if its story is not there."""
    _, scope, about = subject(name).split(":", 2)
    version = int(name.rsplit(":", 1)[1])
    told = Policy(name, scope, about, version, iso(from_milliseconds(version)))
    for event, _ in events(history) if history is not None else ():
        match event.body:
            case Noted(policy=PolicySet(version=same) as policy) if same == version:
                told.rate_limit, told.rate_window = policy.rate_limit, policy.rate_window
                told.dedupe_window = policy.dedupe_window
            case _:
                pass
    return told
