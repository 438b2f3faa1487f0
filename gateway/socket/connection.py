"""A socket: a client's frames in, in order, each answered; ours out, as long as it reads them.

picows parses frames and handshakes in C; uvicorn hands a connection over once it sees the upgrade (see `upgrade`).
"""

import asyncio
import logging
import time
from enum import IntEnum
from typing import Protocol, cast

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from gateway.socket import frames
from gateway.socket.frames import Ack, Auth, ClientFrame, Faulty, Subscribe, Unsubscribe
from gateway.socket.session import Session
from streams.tokens import Caller

log = logging.getLogger(__name__)

MAX_FRAME_BYTES = 16 * 1024
FRAMES_PER_SECOND = 50
BURST = 200
"""Frames a client may send at once."""
UNSENT_BYTES = 512 * 1024
"""What may wait for a client that does not read."""
CLOSED_WITHIN = 10.0
"""Seconds a client has to read what was sent before it was told that we close."""
AUTH_SECONDS = 30
"""A socket that by then is neither authenticated nor subscribed to anything is closed."""


class Close(IntEnum):
    """Why a socket is closed. Below 4000: the protocol's own codes."""

    GOING_AWAY = 1001
    UNREADABLE = 1003
    TOO_BIG = 1009
    NOT_AUTHENTICATED = 4001
    TOO_MANY_SOCKETS = 4002
    TOO_MANY_FRAMES = 4003
    SLOW_READER = 4004
    SILENT = 4005


class Desk(Protocol):
    """What a connection hands frames to; see `gateway.socket.desk`."""

    def joined(self, socket: "Connection") -> None: ...  # noqa: D102
    def left(self, socket: "Connection") -> None: ...  # noqa: D102
    def auth(self, socket: "Connection", frame: Auth) -> None: ...  # noqa: D102
    async def ack(self, socket: "Connection", frame: Ack) -> None: ...  # noqa: D102
    def subscribe(self, socket: "Connection", frame: Subscribe) -> None: ...  # noqa: D102
    def unsubscribe(self, socket: "Connection", frame: Unsubscribe) -> None: ...  # noqa: D102


class Connection(WSListener):
    """One socket, from the handshake to its end."""

    __slots__ = (
        "_allowance",
        "_allowed_at",
        "_desk",
        "_parts",
        "_transport",
        "caller",
        "heard",
        "opened",
        "pinged",
        "session",
        "subscriptions",
    )

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._transport: WSTransport | None = None
        self.session = Session()
        self.caller: Caller | None = None
        self.opened = self.heard = self._allowed_at = time.monotonic()
        self.pinged = False
        self.subscriptions: frozenset[str | None] = frozenset()
        self._allowance = float(BURST)
        self._parts: bytearray | None = None

    @property
    def closed(self) -> bool:
        """Nothing can be sent any more."""
        return self._transport is None or self._transport.is_disconnected

    def send(self, frame: bytes) -> None:
        """Queue a frame; a client that leaves too much unread is disconnected."""
        if self._transport is None:
            return
        self._transport.send(WSMsgType.TEXT, frame)
        if self._transport.underlying_transport.get_write_buffer_size() > UNSENT_BYTES:
            self.close(Close.SLOW_READER, "reads too slowly")

    def ping(self) -> None:
        """Ask for a sign of life."""
        self.pinged = True
        if self._transport is not None:
            self._transport.send_ping(b"")

    def close(self, code: Close, reason: str) -> None:
        """Tell why, and end it."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send_close(cast("WSCloseCode", code), reason.encode())
            self._transport.disconnect()
            asyncio.get_running_loop().call_later(CLOSED_WITHIN, self._transport.underlying_transport.abort)
            self._transport = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        self._desk.joined(self)

    def on_ws_disconnected(self, _: WSTransport) -> None:
        """It is over, whoever ended it."""
        self._transport = None
        self._desk.left(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Something came: only text means anything, perhaps in pieces."""
        self.heard, self.pinged = time.monotonic(), False
        match frame.msg_type:
            case WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()
            case WSMsgType.TEXT | WSMsgType.CONTINUATION:
                self._take(frame.get_payload_as_bytes(), last=frame.fin)
            case WSMsgType.BINARY:
                self.close(Close.UNREADABLE, "only text frames are understood")
            case _:
                return

    def _take(self, piece: bytes, *, last: bool) -> None:
        if self._parts is None and last:
            self._text(piece)
            return
        self._parts = (self._parts or bytearray()) + piece
        if len(self._parts) > MAX_FRAME_BYTES:
            self.close(Close.TOO_BIG, f"a frame may have {MAX_FRAME_BYTES} bytes")
        elif last:
            text, self._parts = bytes(self._parts), None
            self._text(text)

    def _text(self, text: bytes) -> None:
        if not self._may_send():
            self.close(Close.TOO_MANY_FRAMES, f"more than {FRAMES_PER_SECOND} frames a second")
            return
        try:
            self._handle(frames.read(text))
        except Faulty as fault:
            self.send(frames.error(fault.code, str(fault)))

    def _may_send(self) -> bool:
        passed = self.heard - self._allowed_at
        self._allowed_at = self.heard
        self._allowance = min(self._allowance + passed * FRAMES_PER_SECOND, BURST) - 1
        return self._allowance >= 0

    def _handle(self, frame: ClientFrame) -> None:
        match frame:
            case Auth():
                if self.session.user is not None:
                    raise Faulty("already-authenticated", "this socket has its user; open another one")
                self._desk.auth(self, frame)
            case Subscribe():
                self._desk.subscribe(self, frame)
            case Unsubscribe():
                self._desk.unsubscribe(self, frame)
            case Ack():
                if self.session.user is None:
                    raise Faulty("not-authenticated", "send AUTH first")
                task = asyncio.ensure_future(self._desk.ack(self, frame))
                task.add_done_callback(_tell_bug)


def _tell_bug(task: "asyncio.Future[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("an ACK met a bug", exc_info=task.exception())
