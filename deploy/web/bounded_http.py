"""HTTP as uvicorn speaks it, but no client may send endless headers, or take for ever to send them.

Trap: uvicorn bounds headers only with h11. With httptools one connection can make the
process grow without end (measured: 147 MB by one header), and stay open for as long as it likes.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
"""Bytes of a request's headers, beyond the first piece that arrives (256 KiB at most)."""
HEAD_TIMEOUT = 10.0
"""Seconds from a connection's or a request's first byte until the headers must be complete."""


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's, passed on
        super().__init__(*arguments, **named)
        self._begun = 0
        self._in_head = False
        self._head = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # noqa: D102 - asyncio's
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_TIMEOUT, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:  # noqa: D102
        begun = self._begun
        super().data_received(data)
        if self._in_head and self._begun == begun:
            self._head += len(data)
            if self._head > MAX_HEAD and not self.transport.is_closing():
                self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:  # noqa: D102 - httptools's
        self._begun += 1
        self._in_head, self._head = True, 0
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT, self.transport.close)
        super().on_message_begin()

    def on_headers_complete(self) -> None:  # noqa: D102
        self._in_head = False
        self._in_time()
        super().on_headers_complete()

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
