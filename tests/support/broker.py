"""Doing things to the broker of a test."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.declare import declare_log
from streams.kafka.bootstrap import bootstrap
from streams.settings import Settings
from streams.topics import MAX_RECORD_BYTES, catalogue


async def declare(kafka_url: str, *names: str, partitions: int = 4, **config: str) -> None:
    """Make topics; one that is there already stays as it is. Underscores in settings stand for dots."""
    settings = {"max.message.bytes": str(MAX_RECORD_BYTES)} | {
        key.replace("_", "."): value for key, value in config.items()
    }
    async with admin(kafka_url) as client:
        await client.create_topics([NewTopic(name, partitions, 1, topic_configs=settings) for name in names])


async def renew(settings: Settings, *names: str) -> None:
    """Make these topics of ours anew, by default all: the groups' offsets go with them, and lanes begin anew."""
    wanted = {
        topic.name: topic for topic in catalogue(settings.partitions, ()) if topic.name in (names or {topic.name})
    }
    async with admin(settings.kafka_url) as client:
        there = wanted.keys() & set(await client.list_topics())
        if there:
            await client.delete_topics(list(there))
        async with asyncio.timeout(60):
            while wanted.keys() & set(await client.list_topics()):  # noqa: ASYNC110 - Kafka tells only who asks
                await asyncio.sleep(0.1)
        await declare_log(settings.kafka_url, list(wanted.values()))


@asynccontextmanager
async def admin(kafka_url: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap(kafka_url))
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def frozen(kafka_url: str) -> AsyncIterator[None]:
    """The broker answers nobody meanwhile, though its port is open."""
    broker = psutil.Process(_listening(int(bootstrap(kafka_url)[0].rsplit(":", 1)[1])))
    broker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        broker.send_signal(signal.SIGCONT)


def _listening(port: int) -> int:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return connection.pid
    raise LookupError(f"expected a process of ours that listens on port {port}, found none")
