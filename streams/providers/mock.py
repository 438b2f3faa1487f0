"""The reference's mock provider: 100 ms of latency, one call in five fails; can keep a record of all calls.

The record is an append-only file of JSON lines that outlives a killed worker, so tests can hold the log against what
the world saw: `{"call": "begun"|"sent"|"failed"|"deferred", "notification", "dispatch", "at", "worker"}`.

The world can be broken from outside while a worker runs: as long as the outage file exists, every call ends as its text
says. Empty: refused at once. `hang`: no answer, ever. `defer 5`: deferred by 5 seconds.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import orjson

from streams import clock
from streams.providers.protocol import Deferred, Message, SendRefused
from streams.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator["MockProvider"]:
    """Needs no connection."""
    yield MockProvider(settings)


class MockProvider:
    """Fails at random, or, with a seed, always for the same (notification, dispatch)."""

    def __init__(self, settings: Settings) -> None:
        self._latency = settings.mock_latency
        self._failure_rate = settings.mock_failure_rate
        self._seed = settings.mock_seed
        self._outage = settings.mock_outage
        self._record = None if settings.mock_record is None else CallRecord(settings.mock_record, settings.worker)

    async def send(self, message: Message) -> None:
        """Take the message after the latency, or raise `SendRefused` with the reference's text. Outages: see above."""
        self._note("begun", message)
        match self._outage_now():
            case None:
                await asyncio.sleep(self._latency)
            case ["hang"]:
                await asyncio.Event().wait()
            case ["defer", seconds]:
                self._note("deferred", message)
                raise Deferred(clock.now() + timedelta(seconds=float(seconds)))
            case _:
                self._note("failed", message)
                raise SendRefused("Mock provider is down")
        if self._draw(message) < self._failure_rate:
            self._note("failed", message)
            error = f"Mock provider failed for {message.channel} notification"
            raise SendRefused(error)
        self._note("sent", message)

    def _outage_now(self) -> list[str] | None:
        if self._outage is not None:
            with suppress(FileNotFoundError):
                return self._outage.read_text().split()
        return None

    def _draw(self, message: Message) -> float:
        if self._seed is None:
            return random.random()  # noqa: S311 - a mock's dice
        return crc32(f"{self._seed}:{message.notification}:{message.dispatch}".encode()) / 2**32

    def _note(self, call: str, message: Message) -> None:
        if self._record is not None:
            self._record.append(call, message)


class CallRecord:
    """One line a call, appended by a single write each, so that several workers can share the file."""

    def __init__(self, path: Path, worker: str) -> None:
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
        self._worker = worker

    def append(self, call: str, message: Message) -> None:
        """Write one line; it survives the process, though not a power cut."""
        line = {
            "call": call,
            "notification": message.notification,
            "dispatch": message.dispatch,
            "at": clock.now(),
            "worker": self._worker,
        }
        os.write(self._file, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
