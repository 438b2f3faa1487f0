"""Whether each server answers: a cheap question to each, over a connection of its own, within about a second."""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka.client import AIOKafkaClient
from redis.asyncio import Redis

from projections.store import database
from streams.intake.amqp import connect
from streams.kafka import bootstrap
from streams.settings import Settings

STEP_SECONDS = 0.7
"""For a client's connecting, and for its question: it gives up by itself, since not all clean up when cancelled."""
SECONDS = 1.5
"""For all of it."""


async def kafka(settings: Settings) -> None:
    """Asks for the cluster's metadata."""
    client = AIOKafkaClient(
        bootstrap_servers=bootstrap(settings.kafka_url), request_timeout_ms=int(STEP_SECONDS * 1000)
    )
    try:
        await client.bootstrap()
    finally:
        await client.close()


async def rabbitmq(settings: Settings) -> None:
    """Logs in."""
    connection = await connect(settings.rabbitmq_url)
    await connection.close()


async def redis(settings: Settings) -> None:
    """PING."""
    async with Redis.from_url(
        settings.redis_url, socket_connect_timeout=STEP_SECONDS, socket_timeout=STEP_SECONDS
    ) as client:
        await client.ping()


async def mongo(settings: Settings) -> None:
    """The `ping` command."""
    async with database(settings, patience=STEP_SECONDS) as base:
        await base.command("ping")


PROBES: dict[str, Callable[[Settings], Awaitable[None]]] = {
    "kafka": kafka,
    "rabbitmq": rabbitmq,
    "redis": redis,
    "mongo": mongo,
}


async def ask(name: str, settings: Settings) -> str | None:
    """None if the server answers, else what is wrong."""
    try:
        async with asyncio.timeout(SECONDS):
            await PROBES[name](settings)
    except TimeoutError:
        return f"no answer within {SECONDS:g} s"
    except Exception as error:  # noqa: BLE001 - every library has its own errors, and each is an answer here
        return f"{type(error).__name__}: {error}"
    return None


async def ask_all(settings: Settings) -> dict[str, str | None]:
    """The answer of every server, asked at once."""
    answers = await asyncio.gather(*(ask(name, settings) for name in PROBES))
    return dict(zip(PROBES, answers, strict=True))
