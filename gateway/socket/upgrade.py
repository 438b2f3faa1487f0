"""From an HTTP upgrade to a socket: what uvicorn hands a connection over to, and picows takes it from there."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from picows import WSAutoPingStrategy, WSListener, WSUpgradeRequest
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # its stubs leave out what its own server uses

from gateway.socket.connection import MAX_FRAME_BYTES, Close, Connection

wire = logging.getLogger("gateway.socket.wire")
wire.setLevel(logging.WARNING)
log = logging.LoggerAdapter(wire)
"""Trap: of a plain logger picows makes a child for every socket, 1 KiB each."""

PATHS = (b"/", b"/ws")
HANDSHAKE_SECONDS = 5
READ_BUFFER_BYTES = 2048

Accept = Callable[[], Connection | None]
"""A new connection, or None if there are too many."""


def protocol(accept: Accept) -> Callable[..., asyncio.Protocol]:
    """What uvicorn's `ws` setting takes: a factory of protocols."""

    def made(*, config: object, server_state: Any, app_state: object) -> asyncio.Protocol:  # noqa: ANN401, ARG001
        return HandedOver(accept, server_state.connections)

    return made


class HandedOver(asyncio.Protocol):
    """Passes what uvicorn's transport gives on to picows, whose protocol reads into a buffer of its own."""

    def __init__(self, accept: Accept, open_ones: set[Any]) -> None:
        self._open_ones = open_ones
        self._connection: Connection | None = None

        def listener(request: WSUpgradeRequest) -> WSListener | None:
            self._connection = accept() if request.path.partition(b"?")[0] in PATHS else None
            return self._connection

        self._inner = WSProtocol(
            None,
            None,
            False,  # noqa: FBT003 - picows takes all of these by place: a server,
            listener,
            log,
            True,  # noqa: FBT003 - which disconnects on an exception,
            HANDSHAKE_SECONDS,
            False,  # noqa: FBT003 - without pings of its own: a task a socket would cost 2 KiB,
            1,
            1,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            True,  # noqa: FBT003 - and answers pings
            MAX_FRAME_BYTES,
            None,
            READ_BUFFER_BYTES,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The upgrade was seen."""
        self._open_ones.add(self)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """The handshake first, then frames."""
        rest = memoryview(data)
        while rest:
            room = self._inner.get_buffer(len(rest))
            taken = min(len(room), len(rest))
            room[:taken] = rest[:taken]
            self._inner.buffer_updated(taken)
            rest = rest[taken:]

    def eof_received(self) -> bool | None:
        """The client has nothing more to say."""
        return bool(self._inner.eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._open_ones.discard(self)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not keep up."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._inner.resume_writing()

    def shutdown(self) -> None:
        """The server stops: clients come again, to whoever serves then."""
        if self._connection is not None:
            self._connection.close(Close.GOING_AWAY, "the gateway stops")
