"""Preferences of recipients over HTTP: set, lifted and shown.

A change is one event on the log under the recipient's key, where lifecycle meets it in the order of all that concerns
the recipient; it tells who wanted it and why. What holds is read from the read model, which has it a moment later.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, NoReturn, TypeVar

import msgspec
from fastapi import FastAPI
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer, unavailable
from gateway.desk import PATIENCE
from gateway.query import Wrong
from projections.position import Document
from projections.preferences import document
from projections.reads import Reads
from projections.store import database
from streams import clock
from streams.clock import iso
from streams.events import (
    ACTIVITIES,
    CHANNELS,
    Activity,
    Channel,
    Event,
    PersonalPreferences,
    PreferencesSet,
    QuietHours,
)
from streams.intake.requests import recipient_key
from streams.kafka.publisher import Late, Publisher
from streams.quiet_hours import UnknownZone, zone
from streams.record import Record
from streams.settings import Settings
from streams.topics import EVENTS

SOURCE = "gateway"
MAX_BODY = 64 * 1024
MAX_MUTED = 100
"""Actors that one recipient may mute: lifecycle keeps them in memory."""
MAX_ACTOR = 256
"""Characters."""
Actor = Annotated[str, Meta(min_length=1, max_length=MAX_ACTOR)]
NameT = TypeVar("NameT", bound=str)


class WantedHours(QuietHours, frozen=True, forbid_unknown_fields=True):
    """As the event has them."""


class Wanted(Struct, rename="camel", forbid_unknown_fields=True):
    """What a PUT may say; what is left out is on, not muted and never quiet."""

    types: dict[Activity, bool] = {}
    channels: dict[Channel, bool] = {}
    muted_actors: Annotated[tuple[Actor, ...], Meta(max_length=MAX_MUTED)] = ()
    quiet_hours: WantedHours | None = None
    by: str = "api"
    why: str = ""


class PreferencesDesk:
    """Answers while it is `open`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secret = settings.recipient_secret.get_secret_value()

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """Connections for as long as the app lives; servers may be away, now and later."""
        self._publisher = Publisher(self._settings.kafka_url)
        await self._publisher.start()
        try:
            async with database(self._settings, patience=PATIENCE) as base:
                self._reads = Reads(base)
                yield
        finally:
            await self._publisher.stop()

    async def put(self, request: Request) -> Response:
        """Set all that a recipient prefers."""
        return await self._set(_recipient(request), await _wanted(request))

    async def delete(self, request: Request) -> Response:
        """From now on everything is on again."""
        return await self._set(_recipient(request), Wanted())

    async def get(self, request: Request) -> Response:
        """What was set last, or that everything is on."""
        recipient = _recipient(request)
        stored = await self._reads.preferences(recipient)
        return answer(_shown(recipient, stored or {}))

    async def _set(self, recipient: str, wanted: Wanted) -> Response:
        now, key = clock.now(), recipient_key(recipient, self._secret)
        name = f"preferences:{key}"
        body = PreferencesSet(
            clock.milliseconds(now),
            PersonalPreferences(recipient, tuple(dict.fromkeys(wanted.muted_actors))),
            _off(ACTIVITIES, wanted.types),
            _off(CHANNELS, wanted.channels),
            wanted.quiet_hours,
            wanted.by,
            wanted.why,
        )
        event = Event(body, name, now, SOURCE, name)
        try:
            await self._publisher.publish([Record.of(event, EVENTS, key.encode())], within=PATIENCE)
        except Late:
            return unavailable()
        return answer(_shown(recipient, document(event)))


def _off(names: Iterable[NameT], wanted: dict[NameT, bool]) -> tuple[NameT, ...]:
    return tuple(name for name in names if not wanted.get(name, True))


def _shown(recipient: str, stored: Document) -> Document:
    types_off, channels_off = stored.get("typesOff", ()), stored.get("channelsOff", ())
    return {
        "recipient": recipient,
        "types": {name: name not in types_off for name in ACTIVITIES},
        "channels": {name: name not in channels_off for name in CHANNELS},
        "mutedActors": stored.get("mutedActors", []),
        "quietHours": stored.get("quietHours"),
        "since": iso(stored["since"]) if stored else None,
        "event": stored.get("event"),
        "by": stored.get("by", ""),
        "why": stored.get("why", ""),
    }


def _recipient(request: Request) -> str:
    recipient: str = request.path_params["recipient"]
    return recipient or _refuse("recipient", "is required")


async def _wanted(request: Request) -> Wanted:
    raw = await request.body()
    if len(raw) > MAX_BODY:
        _refuse("body", f"must not have more than {MAX_BODY} bytes")
    try:
        wanted = msgspec.json.decode(raw, type=Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse("body", f"must be an object with types, channels, mutedActors or quietHours: {error}")
    if wanted.quiet_hours is not None:
        _check(wanted.quiet_hours)
    return wanted


def _check(quiet: QuietHours) -> None:
    if quiet.start == quiet.end:
        _refuse("quietHours.to", "must not be the same as from; without quietHours there are none")
    try:
        zone(quiet.zone)
    except UnknownZone as error:
        _refuse("quietHours.zone", f"can't be found: {error}")


def _refuse(field: str, fault: str) -> NoReturn:
    raise Wrong({field: fault})
