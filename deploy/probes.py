"""Whether each server answers: a cheap question to each, over a connection of its own, within a second."""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka.client import AIOKafkaClient
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from streams.amqp import connect
from streams.kafka import bootstrap
from streams.settings import Settings

SECONDS = 1.0
MONGO_SECONDS_MS = int(SECONDS * 1000)


async def kafka(url: str) -> None:
    """Asks for the cluster's metadata."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap(url), request_timeout_ms=int(SECONDS * 1000))
    try:
        await client.bootstrap()
    finally:
        await client.close()


async def rabbitmq(url: str) -> None:
    """Logs in."""
    connection = await connect(url)
    await connection.close()


async def redis(url: str) -> None:
    """PING."""
    async with Redis.from_url(url) as client:
        await client.ping()


async def mongo(url: str) -> None:
    """The `ping` command."""
    async with AsyncMongoClient[dict[str, object]](url, serverSelectionTimeoutMS=MONGO_SECONDS_MS) as client:
        await client.admin.command("ping")


PROBES: dict[str, Callable[[str], Awaitable[None]]] = {
    "kafka": kafka,
    "rabbitmq": rabbitmq,
    "redis": redis,
    "mongo": mongo,
}


async def ask(name: str, url: str) -> str | None:
    """None if the server answers, else what is wrong."""
    try:
        async with asyncio.timeout(SECONDS):
            await PROBES[name](url)
    except TimeoutError:
        return f"no answer within {SECONDS:g} s"
    except Exception as error:  # noqa: BLE001 - every library has its own errors, and each is an answer here
        return f"{type(error).__name__}: {error}"
    return None


async def ask_all(settings: Settings) -> dict[str, str | None]:
    """The answer of every server, asked at once."""
    urls = {name: getattr(settings, f"{name}_url") for name in PROBES}
    answers = await asyncio.gather(*(ask(name, url) for name, url in urls.items()))
    return dict(zip(urls, answers, strict=True))
