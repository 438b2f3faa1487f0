"""Live delivery as a part of the web process: a router for what is asked over HTTP, and what takes sockets over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.responses import StreamingResponse

from gateway.clients import Clients
from gateway.live import documents
from gateway.live.feed import Feed
from gateway.live.streaming import Streaming
from gateway.routes import Patient, Route, routed
from gateway.socket.acknowledging import Acknowledging
from gateway.socket.desk import Desk
from gateway.socket.hub import Hub
from gateway.socket.mailboxes import Mailboxes
from gateway.socket.presence import Presence
from gateway.socket.unread import Unread
from gateway.socket.upgrade import protocol
from projections.present.reads import Reads
from streams.background import running
from streams.health.metrics import Reading
from streams.health.vitals import Vitals
from streams.settings import Settings
from streams.tokens import Tokens

STREAM = "/notifications/stream"


class Live:
    """Sockets and streams. `upgrade` is uvicorn's `ws` setting; it serves while the router's lifespan lasts."""

    def __init__(self, settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
        self.clients = Clients(settings)
        """Open while the router's lifespan lasts; others may use them."""
        self._settings = settings
        vitals.measure(self._readings)
        vitals.publishes(self.clients.publisher)
        self._feed = Feed(settings)
        self._presence = Presence(settings)
        self._desk: Desk | None = None
        streaming = Streaming(self._feed, self._presence, stopping)
        changes, user = documents.STREAM_PARAMETERS, documents.USER
        told, online = "Status changes as they happen", "Is a user online?"
        self.router = routed(
            "/api",
            "live",
            Route("GET", STREAM, streaming.changes, told, documents.STREAM, changes, kind=StreamingResponse),
            Route("GET", "/users/{id}/presence", streaming.presence, online, documents.PRESENCE, user),
            by=Patient,
            lifespan=self._open,
        )

    @property
    def upgrade(self) -> Callable[..., asyncio.Protocol]:
        """Takes over connections that become sockets."""
        return protocol(lambda: self._desk.accept() if self._desk is not None else None)

    def _readings(self) -> Iterator[Reading]:
        """How many sockets are open, once it serves."""
        if self._desk is not None:
            yield from self._desk.readings()

    @asynccontextmanager
    async def _open(self, app: FastAPI) -> AsyncIterator[None]:
        mailboxes = Mailboxes(self._settings)
        unread = Unread(self._settings, Reads(self.clients.base))
        hub = Hub(mailboxes, unread.unacknowledged)
        secret = self._settings.recipient_secret.get_secret_value()
        acknowledging = Acknowledging(self.clients.publisher, mailboxes, unread.owns, secret)
        self._desk = Desk(hub, Tokens(self._settings), acknowledging, self._feed, self._presence)
        async with self.clients.open(app):
            async with running(
                mailboxes.serve(),
                mailboxes.listen(hub.tell, hub.missed),
                self._feed.run(),
                self._presence.run(hub.users),
                self._desk.watch(),
            ):
                yield
            for part in (unread, mailboxes, self._presence):
                await part.close()
