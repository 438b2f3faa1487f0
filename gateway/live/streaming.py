"""Live answers over plain HTTP: status changes as Server-Sent Events, and who is online."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.answers import OF_NOW, answer, unavailable
from gateway.live.feed import Feed
from gateway.socket.presence import Presence
from streams.clock import iso
from streams.redis_away import AWAY

WAITING = 10_000
"""Changes that may wait for a client; one that leaves more unread is disconnected."""
END = b""
"""What the process's end looks like in the queue: a stream that stayed open would hold it up."""
SIGN_OF_LIFE = 15.0
"""Seconds of silence after which a comment is sent, so that proxies keep the connection."""


class Streaming:
    """Answers while the feed runs."""

    def __init__(self, feed: Feed, presence: Presence, stopping: asyncio.Event) -> None:
        self._feed, self._presence, self._stopping = feed, presence, stopping

    async def changes(self, request: Request) -> Response:
        """Every change from now on, of one notification (`?notificationId=`) or of all."""
        notification = request.query_params.get("notificationId")
        return StreamingResponse(self._changes(notification), media_type="text/event-stream", headers=OF_NOW)

    async def presence(self, request: Request) -> Response:
        """Whether a user has a socket open on any gateway, and when they last had."""
        try:
            seen = await self._presence.seen(request.path_params["id"])
        except AWAY:
            return unavailable("Redis")
        return answer({"online": seen.online, "lastSeen": None if seen.last_seen is None else iso(seen.last_seen)})

    async def _changes(self, notification: str | None) -> AsyncIterator[bytes]:
        waiting: asyncio.Queue[bytes] = asyncio.Queue()
        stop, reading = (asyncio.ensure_future(one) for one in (self._stopping.wait(), self._feed.reading()))
        stop.add_done_callback(lambda _: waiting.put_nowait(END))
        self._feed.listen(waiting.put_nowait, notification)
        try:
            await asyncio.wait((stop, reading), return_when=asyncio.FIRST_COMPLETED)
            if stop.done():  # as may be while Kafka is away
                return
            yield b"event: open\ndata: {}\n\n"
            while waiting.qsize() < WAITING:
                try:
                    async with asyncio.timeout(SIGN_OF_LIFE):
                        change = await waiting.get()
                except TimeoutError:
                    yield b": \n\n"
                else:
                    if change is END:
                        return
                    yield b"data: %b\n\n" % change
        finally:
            stop.cancel()
            reading.cancel()
            self._feed.unlisten(waiting.put_nowait, notification)
