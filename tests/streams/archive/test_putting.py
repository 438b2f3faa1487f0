"""Records put into partitions as they were, on a real Kafka."""

import asyncio
import uuid
from contextlib import AsyncExitStack

import pytest
from aiokafka import TopicPartition

from streams import clock
from streams.archive.layout import Stored
from streams.archive.putting import putter
from streams.exits import Refused
from streams.settings import Settings
from tests.support.broker import declare, frozen
from tests.support.kafka import read

NOW = clock.milliseconds(clock.now())
SECONDS = 20.0
"""Long for closing a connection; a broker that is away would be waited for for ever."""


@pytest.fixture
async def place(servers: Settings) -> TopicPartition:
    name = f"put-{uuid.uuid4().hex[:8]}"
    await declare(servers.kafka_url, name, partitions=1)
    return TopicPartition(name, 0)


def record(number: int) -> Stored:
    return Stored(number, NOW - number, b"k", b"%d" % number)


async def test_records_come_as_they_were_and_company_is_refused(servers: Settings, place: TopicPartition) -> None:
    async with putter(servers.kafka_url) as writer:
        await writer.put(place, [record(0), record(1)], 0)
        with pytest.raises(Refused, match="expected to write at offset 7, it was 2"):
            await writer.put(place, [record(2)], 7)
    came = await read(servers.kafka_url, place.topic)
    assert [(one.timestamp, one.key, one.value) for one in came] == [
        (NOW - number, b"k", b"%d" % number) for number in range(3)
    ]


async def test_breaking_off_does_not_wait_for_a_broker_that_is_silent(servers: Settings, place: TopicPartition) -> None:
    opened = AsyncExitStack()
    writer = await opened.enter_async_context(putter(servers.kafka_url))
    await writer.put(place, [record(0)], 0)
    async with frozen(servers.kafka_url):
        writing = asyncio.create_task(writer.put(place, [record(1)], 1))
        await asyncio.sleep(0)
        await asyncio.wait_for(opened.aclose(), SECONDS)
        writing.cancel()
        await asyncio.wait([writing])
