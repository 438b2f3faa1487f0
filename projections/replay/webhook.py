"""Events of a replay out, a POST each: CloudEvents in structured mode, marked in a header and in the event.

At most `TOGETHER` are on their way, and never two of one recipient, so that theirs arrive in their order.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from projections.replay.handling import Failing, Passing, marked, patiently
from projections.replay.selecting import Picked
from streams.said import said

HEADER = "Tidings-Replay"
"""Holds the replay's id, as the attribute `handling.MARK` does."""
TIMEOUT = 10.0
"""Seconds for one POST."""
TOGETHER = 8
TRY_AGAIN = {408, 425, 429}
"""Beside all from 500 on. Trap: a redirect is not followed, since a POST would come out of it as a GET."""
TOLD = 200
"""Bytes of an answer."""


class Webhook:
    """A URL that events are posted to."""

    at_once = 64

    def __init__(self, session: aiohttp.ClientSession, url: str, replay: str) -> None:
        self._session, self._url, self._replay = session, url, replay
        self._room = asyncio.Semaphore(TOGETHER)

    async def take(self, events: Sequence[Picked]) -> None:
        """Each answered with 2xx."""
        recipients: dict[bytes | None, list[Picked]] = {}
        for event in events:
            recipients.setdefault(event.record.key, []).append(event)
        tasks = [asyncio.create_task(self._in_order(theirs)) for theirs in recipients.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _in_order(self, events: Sequence[Picked]) -> None:
        for event in events:
            async with self._room:
                await patiently(lambda event=event: self._post(event))  # type: ignore[misc]

    async def _post(self, event: Picked) -> None:
        body = marked(event, self._replay)
        try:
            async with self._session.post(self._url, data=body, allow_redirects=False) as answer:
                status, told = answer.status, await answer.content.read(TOLD)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            why = said(error)
            raise Passing(f"{self._url} does not answer for {event.id}: {why}") from error
        if status in TRY_AGAIN or status >= 500:  # noqa: PLR2004 - HTTP's
            raise Passing(f"{self._url} answered {event.id} with {status} {told!r}")
        if not 200 <= status < 300:  # noqa: PLR2004
            raise Failing(f"{self._url} refused {event.id} with {status} {told!r}")


@asynccontextmanager
async def posting(url: str, replay: str) -> AsyncIterator[Webhook]:
    """Connections for as long as they are needed."""
    headers = {"content-type": "application/cloudevents+json; charset=utf-8", HEADER: replay}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Webhook(session, url, replay)
