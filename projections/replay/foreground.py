"""A replay that is worked on here and now, by the command that was asked for it: what goes to stdout does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka.errors import KafkaError

from projections.replay.book import WORKING, Replay
from projections.replay.following import Follower
from projections.replay.work import Work
from projections.replay.writing import Recorder
from streams.operations import ReplayPaused
from streams.settings import Settings


async def work(name: str, settings: Settings, recorder: Recorder, stop: asyncio.Event) -> Replay:
    """Until it is done, or anybody pauses or cancels it; as it stands then. Once `stop` is set, it is paused.

    Raises aiokafka's errors.
    """
    async with Follower.open(settings.kafka_url) as follower:
        while (replay := (await follower.catch_up()).replays[name]).state in WORKING:
            if stop.is_set():
                await recorder.tell(ReplayPaused(name), why="interrupted")
                continue
            async with _told_to_stop(follower, replay, stop) as ending:
                await Work(replay, settings, recorder.tell).run(ending)
        return replay


@asynccontextmanager
async def _told_to_stop(follower: Follower, replay: Replay, stop: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """Set once it is in another state, or `stop` is set."""
    ending = asyncio.Event()

    async def heed() -> None:
        await stop.wait()
        ending.set()

    async def watch() -> None:
        with suppress(KafkaError):  # then nobody can be heard; the work itself waits for Kafka, or fails by it
            while follower.book.replays[replay.id].state == replay.state:
                await follower.more()
            ending.set()

    tasks = [asyncio.create_task(work) for work in (heed(), watch())]
    try:
        yield ending
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
