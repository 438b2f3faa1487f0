"""The reference's mock provider: 100 ms of latency, one call in five fails; can keep a record of all calls.

The record is an append-only file of JSON lines that outlives a killed worker, so tests can hold the log against what
the world saw: `{"call": "begun"|"sent"|"failed", "notification", "dispatch", "at", "worker"}`.
"""

import asyncio
import os
import random
from pathlib import Path
from zlib import crc32

import orjson

from streams import clock
from streams.providers.protocol import Message, Refused
from streams.settings import Settings


class MockProvider:
    """Fails at random, or, with a seed, always for the same (notification, dispatch)."""

    def __init__(self, settings: Settings) -> None:
        self._latency = settings.mock_latency
        self._failure_rate = settings.mock_failure_rate
        self._seed = settings.mock_seed
        self._record = None if settings.mock_record is None else CallRecord(settings.mock_record, settings.worker)

    async def send(self, message: Message) -> None:
        """Take the message after the latency, or raise `Refused` with the reference's text."""
        self._note("begun", message)
        await asyncio.sleep(self._latency)
        if self._draw(message) < self._failure_rate:
            self._note("failed", message)
            error = f"Mock provider failed for {message.channel} notification"
            raise Refused(error)
        self._note("sent", message)

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
