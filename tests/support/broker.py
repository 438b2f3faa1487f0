"""Doing things to the broker of a test."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.kafka.publisher import bootstrap
from streams.topics import MAX_RECORD_BYTES


async def declare(kafka_url: str, *names: str, partitions: int = 4, **config: str) -> None:
    """Make topics; one that is there already stays as it is. Underscores in settings stand for dots."""
    settings = {"max.message.bytes": str(MAX_RECORD_BYTES)} | {
        key.replace("_", "."): value for key, value in config.items()
    }
    async with admin(kafka_url) as client:
        await client.create_topics([NewTopic(name, partitions, 1, topic_configs=settings) for name in names])


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
