"""All sockets of this gateway by user: news of mailboxes in, frames to whom they concern out.

A socket is registered before its mailbox is opened, so what comes in between is held back by its session, not missed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gateway.socket import frames
from gateway.socket.mailboxes import Mailboxes, Unavailable
from gateway.socket.session import Session, Stored
from streams.mailbox import News, Opening

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds after which a mailbox that could not be opened is tried again."""

Unacknowledged = Callable[[str, Opening], Awaitable[Sequence[Stored]]]
"""The items of a user that the read model has as unacknowledged, oldest first: what the mailbox found may lack."""


class Socket(Protocol):
    """A connected client."""

    session: Session

    def send(self, frame: bytes) -> None:
        """Queue a frame; a client that doesn't read is disconnected."""

    @property
    def closed(self) -> bool:
        """Nothing can be sent any more."""


class Hub:
    """The sockets, and what reaches them."""

    def __init__(self, mailboxes: Mailboxes, unacknowledged: Unacknowledged) -> None:
        self._mailboxes, self._unacknowledged = mailboxes, unacknowledged
        self.users: dict[str, list[Socket]] = {}
        self._openings: set[asyncio.Task[None]] = set()
        self._listened = False

    def join(self, socket: Socket, auth: frames.Auth) -> None:
        """Register an authenticated socket and open its mailbox."""
        socket.session.begin(auth.user_id, auth.epoch, auth.position)
        self.users.setdefault(auth.user_id, []).append(socket)
        self._open_soon(socket, first=True)

    def leave(self, socket: Socket) -> None:
        """The socket is gone."""
        sockets = self.users.get(socket.session.user or "", [])
        if socket in sockets:
            sockets.remove(socket)
        if not sockets:
            self.users.pop(socket.session.user or "", None)

    def tell(self, news: News) -> None:
        """Pass on what happened in a mailbox."""
        for socket in self.users.get(news.user, ()):
            if news.epoch != socket.session.epoch and not socket.session.opening:
                self._reopen(socket)  # Redis has lost the mailbox: the read model knows what else was in it
            for frame in socket.session.tell(news):
                socket.send(frame)

    def missed(self) -> None:
        """Listening began: at the first time nothing was missed, later something may have been."""
        if self._listened:
            for sockets in self.users.values():
                for socket in sockets:
                    self._reopen(socket)
        self._listened = True

    def _reopen(self, socket: Socket) -> None:
        if not socket.session.opening:
            socket.session.reopen()
            self._open_soon(socket, first=False)

    def _open_soon(self, socket: Socket, *, first: bool) -> None:
        task = asyncio.create_task(self._open(socket, first=first))
        self._openings.add(task)
        task.add_done_callback(self._openings.discard)

    async def _open(self, socket: Socket, *, first: bool) -> None:
        session, complained = socket.session, False
        assert session.user is not None
        while not socket.closed:
            try:
                found, stored = await self._look(session)
            except Unavailable as error:
                if not complained:
                    socket.send(frames.error("unavailable", f"your notifications come as soon as they can: {error}"))
                complained = True
                await asyncio.sleep(RETRY)
            else:
                outdated = session.outdated(found)
                for frame in session.open(found, stored, first=first):
                    socket.send(frame)
                if outdated:
                    self._reopen(socket)
                return

    async def _look(self, session: Session) -> tuple[Opening, Sequence[Stored]]:
        """The mailbox, and if its client may have missed something, what the read model knows of besides.

        Trap: the mailbox is looked at after the read model. What came between two looks in the other order would be
        told out of the read model, before older ones out of the mailbox.
        """
        assert session.user is not None
        found = await self._mailboxes.open(session.user, session.epoch, session.position)
        stored: Sequence[Stored] = []
        while not found.recovered:
            asked, stored = found.epoch, await self._unacknowledged(session.user, found)
            found = await self._mailboxes.open(session.user, session.epoch, session.position)
            if found.epoch == asked:
                break
        return found, stored
