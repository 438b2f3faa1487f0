"""A log of its own for each test, the process that works on replays, and a webhook that remembers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web

from deploy.stack import ports
from projections.replay import runner
from projections.replay.book import Replay
from projections.replay.following import Follower
from projections.replay.writing import Recorder
from streams.health.vitals import Vitals
from streams.operations import Operation, ReplayRequested
from streams.replays import Order
from streams.settings import Settings
from tests.support.working import working

WITHIN = 60.0
"""Seconds."""


@dataclass
class Hook:
    """A webhook; `answers` are the statuses it gives next, 200 when there are none."""

    url: str
    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The header and the event of each POST that was answered with 200."""
    posts: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.posts += 1
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.got.append((request.headers["Tidings-Replay"], orjson.loads(await request.read())))
        return web.Response(status=status, text="so be it")


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    port = ports.choose(())
    made, app = Hook(f"http://127.0.0.1:{port}/hook"), web.Application()
    app.router.add_post("/hook", made.answer)
    served = web.AppRunner(app)
    await served.setup()
    await web.TCPSite(served, "127.0.0.1", port).start()
    yield made
    await served.cleanup()


@dataclass
class Replays:
    """What is said of replays and read back, as by the gateway."""

    settings: Settings
    recorder: Recorder
    follower: Follower

    async def ask(self, name: str, order: Order) -> None:
        await self.say(ReplayRequested(name, order))

    async def say(self, done: Operation) -> None:
        await self.recorder.tell(done, "ada", "a test")

    async def get(self, name: str) -> Replay:
        return (await self.follower.catch_up()).replays[name]

    async def until(self, name: str, reached: Callable[[Replay], bool]) -> Replay:
        async with asyncio.timeout(WITHIN):
            while not reached(replay := await self.get(name)):
                await self.follower.more()
        return replay

    async def state(self, name: str, *states: str) -> Replay:
        return await self.until(name, lambda replay: replay.state in states)

    def working(self) -> AbstractAsyncContextManager[None]:
        """The process at work."""
        return working(lambda stopping: runner.run(self.settings, stopping, Vitals()))


@pytest.fixture
async def replays(settings: Settings) -> AsyncIterator[Replays]:
    recorder = Recorder(settings.kafka_url, "test")
    async with Follower.open(settings.kafka_url) as follower:
        yield Replays(settings.model_copy(update={"session_timeout": 6.0}), recorder, follower)
    await recorder.close()


async def eventually(reached: Callable[[], Awaitable[bool] | bool]) -> None:
    """Looks twenty times a second."""
    async with asyncio.timeout(WITHIN):
        while True:
            answer = reached()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.05)
