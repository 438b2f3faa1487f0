"""Whether each server answers: a cheap question to each, and an answer within about a second."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka.client import AIOKafkaClient
from redis.asyncio import Redis

from projections.mongo.connection import database
from streams.intake.amqp import connect
from streams.kafka.bootstrap import bootstrap
from streams.settings import Settings

STEP_SECONDS = 0.7
"""For a client's connecting, and for its question: it gives up by itself, since not all clean up when cancelled."""
SECONDS = 1.5
"""For all of it."""
NAMES = ("kafka", "rabbitmq", "redis", "mongo")

Probe = Callable[[], Awaitable[object]]


class Probes:
    """One question for each server, to be asked as often as wanted."""

    def __init__(self, questions: dict[str, Probe]) -> None:
        self._questions = questions

    async def ask(self, name: str) -> str | None:
        """None if the server answers, else what is wrong."""
        try:
            async with asyncio.timeout(SECONDS):
                await self._questions[name]()
        except TimeoutError:
            return f"no answer within {SECONDS:g} s"
        except Exception as error:  # noqa: BLE001 - every library has its own errors, and each is an answer here
            return f"{type(error).__name__}: {error}"
        return None

    async def ask_all(self) -> dict[str, str | None]:
        """The answer of every server, asked at once."""
        answers = await asyncio.gather(*(self.ask(name) for name in self._questions))
        return dict(zip(self._questions, answers, strict=True))


@asynccontextmanager
async def probes(settings: Settings) -> AsyncIterator[Probes]:
    """Probes of the servers at these URLs; none of them is contacted before it is asked."""

    async def kafka() -> None:
        hosts, patience = bootstrap(settings.kafka_url), int(STEP_SECONDS * 1000)
        client = AIOKafkaClient(bootstrap_servers=hosts, request_timeout_ms=patience)
        try:
            await client.bootstrap()
        finally:
            await client.close()

    async def rabbitmq() -> None:
        connection = await connect(settings.rabbitmq_url)
        await connection.close()

    redis = Redis.from_url(settings.redis_url, socket_connect_timeout=STEP_SECONDS, socket_timeout=STEP_SECONDS)
    # One client of MongoDB for all the time: each one that is closed while it connects leaves a socket behind.
    async with redis, database(settings, patience=STEP_SECONDS) as mongo:
        questions = (kafka, rabbitmq, redis.ping, lambda: mongo.command("ping"))
        yield Probes(dict(zip(NAMES, questions, strict=True)))
