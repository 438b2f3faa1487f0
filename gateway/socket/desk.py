"""What clients ask for on their sockets: AUTH, ACK, SUBSCRIBE; and the limits and signs of life of all sockets."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import suppress

from gateway.live.feed import Feed
from gateway.socket import frames
from gateway.socket.acknowledging import Acknowledging, Unknown
from gateway.socket.connection import AUTH_SECONDS, Close, Connection
from gateway.socket.frames import Ack, Auth, Subscribe, Unsubscribe
from gateway.socket.hub import Hub
from gateway.socket.mailboxes import Unavailable
from gateway.socket.presence import Presence
from streams.health.metrics import Reading
from streams.tokens import Rejected, Tokens

log = logging.getLogger(__name__)

MAX_SOCKETS = 50_000
SOCKETS_PER_USER = 20
HEARTBEAT = 20.0
"""Seconds of silence after which a client is pinged; after as many again it is disconnected."""
SUBSCRIPTIONS = 100
"""Of one socket, to status changes."""
SLICES = 200
"""Parts of a heartbeat: the sockets are looked at a few at a time, or the pings would hold up what is pushed."""


class Desk:
    """Everything sockets need."""

    def __init__(self, hub: Hub, tokens: Tokens, acknowledging: Acknowledging, feed: Feed, presence: Presence) -> None:
        self._hub, self._tokens, self._acknowledging = hub, tokens, acknowledging
        self._feed, self._presence = feed, presence
        self._confirming: set[asyncio.Task[None]] = set()
        self.sockets: set[Connection] = set()

    def readings(self) -> Iterator[Reading]:
        """How many there are, for `/metrics`."""
        yield Reading("tidings_sockets", len(self.sockets))
        yield Reading("tidings_socket_users", len(self._hub.users))

    def accept(self) -> Connection | None:
        """A connection for a new socket, unless there are too many."""
        return Connection(self) if len(self.sockets) < MAX_SOCKETS else None

    def joined(self, socket: Connection) -> None:
        """Its handshake is done."""
        self.sockets.add(socket)

    def left(self, socket: Connection) -> None:
        """It is gone."""
        self.sockets.discard(socket)
        self._hub.leave(socket)
        for notification in socket.subscriptions:
            self._feed.unlisten(socket.send, notification)
        user = socket.session.user
        if user is not None and user not in self._hub.users:
            self._presence.left(user)

    def auth(self, socket: Connection, frame: Auth) -> None:
        """Whose socket it is; its mailbox follows."""
        try:
            self._believe(socket, frame)
        except Rejected as rejected:
            socket.send(frames.error("refused", str(rejected)))
            socket.close(Close.NOT_AUTHENTICATED, "AUTH was refused")
            return
        if len(self._hub.users.get(frame.user_id, ())) >= SOCKETS_PER_USER:
            socket.close(Close.TOO_MANY_SOCKETS, f"a user may have {SOCKETS_PER_USER} sockets")
            return
        self._hub.join(socket, frame)
        self._presence.came(frame.user_id)

    def _believe(self, socket: Connection, frame: Auth) -> None:
        """Raises `Rejected`."""
        if self._tokens.required:
            caller = self._tokens.caller(frame.token)
            if not caller.speaks_for(frame.user_id):
                raise Rejected("the token is of another user")
            socket.caller = caller

    async def ack(self, socket: Connection, frame: Ack) -> None:
        """Put it on the log; all sockets of the user, this one too, hear of it by the mailbox."""
        user = socket.session.user
        assert user is not None
        try:
            await self._acknowledging.acknowledge(user, frame.notification_id)
        except Unknown:
            socket.send(frames.error("unknown-notification", f"{frame.notification_id} is not in your mailbox"))
        except Unavailable:
            socket.send(frames.error("unavailable", f"{frame.notification_id} is not acknowledged yet: send it again"))

    def subscribe(self, socket: Connection, frame: Subscribe) -> None:
        """Status changes, as they happen; where tokens are required, a service's."""
        if self._tokens.required and not (socket.caller and socket.caller.service):
            socket.send(frames.error("refused", "status changes are for a service: send AUTH with its token first"))
            return
        if len(socket.subscriptions) >= SUBSCRIPTIONS:
            socket.send(frames.error("refused", f"a socket may have {SUBSCRIPTIONS} subscriptions"))
            return
        socket.subscriptions |= {frame.notification_id}
        self._feed.listen(socket.send, frame.notification_id)
        task = asyncio.create_task(self._confirm(socket, frame.notification_id))
        self._confirming.add(task)
        task.add_done_callback(self._confirming.discard)

    def unsubscribe(self, socket: Connection, frame: Unsubscribe) -> None:
        """No more of them."""
        socket.subscriptions -= {frame.notification_id}
        self._feed.unlisten(socket.send, frame.notification_id)

    async def _confirm(self, socket: Connection, notification: str | None) -> None:
        await self._feed.reading()
        socket.send(frames.subscribed(notification))

    async def watch(self) -> None:
        """Ping the silent, part with the dead and the nameless; until cancelled."""
        while True:
            everybody = list(self.sockets)
            for first in range(SLICES):
                await asyncio.sleep(HEARTBEAT / SLICES)
                now = time.monotonic()
                for socket in everybody[first::SLICES]:
                    with suppress(ConnectionError):
                        _look_after(socket, now)


def _look_after(socket: Connection, now: float) -> None:
    if socket.session.user is None and not socket.subscriptions and now - socket.opened > AUTH_SECONDS:
        socket.close(Close.NOT_AUTHENTICATED, f"no AUTH or SUBSCRIBE within {AUTH_SECONDS} s")
    elif socket.caller is not None and time.time() > socket.caller.expires:
        socket.close(Close.NOT_AUTHENTICATED, "the token has expired")
    elif now - socket.heard > HEARTBEAT:
        if socket.pinged:
            socket.close(Close.SILENT, "no answer to a ping")
        else:
            socket.ping()
