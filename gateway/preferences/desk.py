"""Preferences of recipients over HTTP: set, lifted and shown.

A change is one event on the log under the recipient's key, where lifecycle meets it in the order of all that concerns
the recipient; it tells who wanted it and why. What holds is read from the read model, which has it a moment later.
"""

from collections.abc import Iterable
from typing import TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer
from gateway.clients import KAFKA_PATIENCE, Clients
from gateway.preferences import bodies, documents
from gateway.preferences.bodies import Wanted
from gateway.query import Wrong
from gateway.routes import Route, routed
from projections.position import Document
from projections.present.preferences import document
from projections.present.reads import Reads
from streams import clock
from streams.clock import iso
from streams.events import ACTIVITIES, CHANNELS, Event, PersonalPreferences, PreferencesSet
from streams.intake.requests import recipient_key
from streams.record import Record
from streams.topics import EVENTS

SOURCE = "gateway"
NameT = TypeVar("NameT", bound=str)


def router(clients: Clients) -> APIRouter:
    """What is asked and wanted."""
    desk, path, whose = PreferencesDesk(clients), "/{recipient:anything}", documents.RECIPIENT
    put, delete = "Set what a recipient prefers", "Have everything on again for a recipient"
    return routed(
        "/api/preferences",
        "preferences",
        Route("GET", path, desk.get, "What a recipient prefers", documents.SHOWN, whose),
        Route("PUT", path, desk.put, put, documents.SET, whose, documents.CHANGE),
        Route("DELETE", path, desk.delete, delete, documents.SET, whose),
    )


class PreferencesDesk:
    """Writes them to the log, and reads them from the read model."""

    def __init__(self, clients: Clients) -> None:
        self._secret = clients.settings.recipient_secret.get_secret_value()
        self._reads, self._publisher = Reads(clients.base), clients.publisher

    async def put(self, request: Request) -> Response:
        """Set all that a recipient prefers."""
        return await self._set(_recipient(request), bodies.read(await request.body()))

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
        await self._publisher.publish([Record.of(event, EVENTS, key.encode())], within=KAFKA_PATIENCE)
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
    if not recipient:
        raise Wrong({"recipient": "is required"})
    return recipient
