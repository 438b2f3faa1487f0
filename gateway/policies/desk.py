"""Policies over HTTP: limits for an actor, a recipient or a type, set, lifted and shown; cool-offs lifted.

A change goes to every partition of `notification-requests`, where admit meets it in the order of the requests, and to
`notification-operations`, which tells who wanted it and why, and from which what holds is read back.
"""

from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer
from gateway.bodies import decoded
from gateway.clients import KAFKA_PATIENCE, Clients
from gateway.policies import documents
from gateway.query import Wrong
from gateway.routes import Route, routed
from streams import clock, operations
from streams.clock import iso
from streams.codec import Undecodable
from streams.events import ACTIVITIES, DEFAULT_TENANT, Control, CoolOffLifted, Event, PolicyScope, PolicySet
from streams.operations import CoolOffEnded, PolicyChanged
from streams.record import Record
from streams.topics import REQUESTS, partition_for

SOURCE = "gateway"
SCOPES: tuple[PolicyScope, ...] = get_args(PolicyScope)
MAX_BODY = 16 * 1024


class Limits(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """What a PUT may say; windows in seconds. What is left out is as the settings have it."""

    rate_limit: Annotated[int, Meta(ge=0)] | None = None
    rate_window: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    dedupe_window: Annotated[float, Meta(ge=0, le=86_400)] | None = None
    by: str = "api"
    why: str = ""


class Held(Struct, rename="camel", omit_defaults=True):
    """A policy in force."""

    scope: str
    about: str
    since: str
    rate_limit: int | None = None
    rate_window: float | None = None
    dedupe_window: float | None = None
    by: str = ""
    why: str = ""


def router(clients: Clients) -> APIRouter:
    """What is asked and wanted."""
    desk, one = PoliciesDesk(clients), "/policies/{scope}/{about:anything}"
    put, lifted = "Set limits for an actor, a recipient or a type", "Let a cooled-off actor act again"
    return routed(
        "/api",
        "policies",
        Route("GET", "/policies", desk.policies, "The limits that differ from the settings'", documents.POLICIES),
        Route("PUT", one, desk.put, put, documents.POLICY, documents.SUBJECT, documents.CHANGE),
        Route("DELETE", one, desk.delete, "Lift a policy", documents.POLICY, documents.SUBJECT),
        Route("DELETE", "/cool-offs/{about:anything}", desk.lift, lifted, documents.COOL_OFF, [documents.ACTOR]),
    )


class PoliciesDesk:
    """Writes them to both topics, and knows what is in force."""

    def __init__(self, clients: Clients) -> None:
        self._partitions = clients.settings.partitions
        self._publisher, self._operations = clients.publisher, clients.operations
        self._operations.listen(self._take)
        self._book: dict[tuple[str, str], Held] = {}

    async def put(self, request: Request) -> Response:
        """Set the limits of one."""
        limits = await _limits(request)
        return await self._set(*_subject(request), limits)

    async def delete(self, request: Request) -> Response:
        """From now on the settings' limits hold again."""
        return await self._set(*_subject(request), Limits())

    async def lift(self, request: Request) -> Response:
        """End an actor's cool-off."""
        actor, now = _about(request), clock.now()
        lifted = CoolOffLifted(actor, clock.milliseconds(now))
        key = actor.encode()
        record = _control(f"policy:actor:{actor}", lifted, key, partition_for(key, self._partitions))
        done = operations.Event(CoolOffEnded(actor), now, SOURCE, "api")
        return await self._written([record, operations.to_record(done)], {"actor": actor, "lifted": iso(now)})

    async def policies(self, _: Request) -> Response:
        """All that are in force, as the last change that was answered left them."""
        await self._operations.caught_up()
        return answer([msgspec.to_builtins(held) for _, held in sorted(self._book.items())])

    async def _set(self, scope: PolicyScope, about: str, limits: Limits) -> Response:
        now = clock.now()
        body = PolicySet(
            scope, about, clock.milliseconds(now), limits.rate_limit, limits.rate_window, limits.dedupe_window
        )
        name = f"policy:{scope}:{about}"
        copies = [_control(name, body, name.encode(), number) for number in range(self._partitions)]
        changed = PolicyChanged(scope, about, limits.rate_limit, limits.rate_window, limits.dedupe_window)
        done = operations.Event(changed, now, SOURCE, limits.by, limits.why)
        return await self._written([*copies, operations.to_record(done)], msgspec.to_builtins(_held(changed, done)))

    async def _written(self, records: list[Record], told: object) -> Response:
        await self._publisher.publish(records, within=KAFKA_PATIENCE)
        return answer(told)

    def _take(self, value: bytes | None) -> None:
        try:
            event = operations.read(value)
        except Undecodable:
            return  # the dead letters show it
        if isinstance(event.done, PolicyChanged):
            held = _held(event.done, event)
            lifted = (held.rate_limit, held.rate_window, held.dedupe_window) == (None, None, None)
            self._book.pop((held.scope, held.about), None)
            if not lifted:
                self._book[held.scope, held.about] = held


def _control(name: str, body: Control, key: bytes, partition: int) -> Record:
    event = Event(body, name, clock.from_milliseconds(body.version), SOURCE, name, tenant=DEFAULT_TENANT)
    return Record.of(event, REQUESTS, key, partition)


def _held(changed: PolicyChanged, event: operations.Event) -> Held:
    return Held(
        changed.scope,
        changed.about,
        iso(event.time),
        changed.rate_limit,
        changed.rate_window,
        changed.dedupe_window,
        event.by,
        event.why,
    )


def _about(request: Request) -> str:
    """An id may have a slash."""
    about: str = request.path_params["about"]
    if not about:
        raise Wrong({"about": "is required"})
    return about


def _subject(request: Request) -> tuple[PolicyScope, str]:
    scope, about = request.path_params["scope"], _about(request)
    if scope not in SCOPES:
        raise Wrong({"scope": f"must be one of {', '.join(SCOPES)}"})
    if scope == "type" and about not in ACTIVITIES:
        raise Wrong({"type": f"must be one of {', '.join(ACTIVITIES)}"})
    return scope, about


async def _limits(request: Request) -> Limits:
    limits = decoded(await request.body(), Limits, MAX_BODY)
    if limits.rate_limit is limits.rate_window is limits.dedupe_window is None:
        raise Wrong({"body": "must set rateLimit, rateWindow or dedupeWindow; DELETE lifts a policy"})
    return limits
