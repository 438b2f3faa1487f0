"""The handler for a target; `Lines` is that of stdout, the others have modules of their own."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import BinaryIO

import msgspec

from projections.replay.collection import storing
from projections.replay.handling import Failing, Handler
from projections.replay.selecting import Picked
from projections.replay.targets import Target
from projections.replay.topic import writing
from projections.replay.webhook import posting
from streams.settings import Settings


@asynccontextmanager
async def opened(target: Target, replay: str, settings: Settings) -> AsyncIterator[Handler]:
    """It, for as long as it is needed. Raises `Failing`, and `TargetRefused` for a topic of ours."""
    match target.kind:
        case "stdout":
            yield Lines(sys.stdout.buffer)
        case "collection":
            async with storing(target.name, replay, settings) as collection:
                yield collection
        case "topic":
            async with writing(target.name, replay, settings) as topic:
                yield topic
        case "webhook":
            async with posting(target.name, replay) as webhook:
                yield webhook


class Lines:
    """JSON lines: the events as they are on the log."""

    at_once = 500

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    async def take(self, events: Sequence[Picked]) -> None:
        """Written, and flushed."""
        try:
            for event in events:
                self._out.write(_line(event.record.value or b""))
            self._out.flush()
        except OSError as error:
            raise Failing(f"stdout takes no more: {error}") from error


def _line(body: bytes) -> bytes:
    return (body if b"\n" not in body else msgspec.json.format(body, indent=-1)) + b"\n"
