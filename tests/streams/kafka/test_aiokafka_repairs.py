"""aiokafka under uvloop, whose transports refuse to write once they are closed; as no member; and when it has ended."""

import asyncio
import socket
import struct
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import CommitFailedError, KafkaConnectionError, KafkaError
from aiokafka.protocol.admin import ApiVersionRequest
from aiokafka.structs import OffsetAndMetadata

from streams.kafka.aiokafka_repairs import repair

SECONDS = 60.0
RESETS = struct.pack("ii", 1, 0)
"""For `SO_LINGER`: closing it resets the connection."""


def test_what_is_sent_between_a_reset_and_that_the_reader_hears_of_it_fails_as_on_a_closed_connection() -> None:
    repair()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(_sends_after_a_reset(), SECONDS))


async def _sends_after_a_reset() -> None:
    loop, asked, reset, reasons = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event(), []

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        await reset.wait()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
        writer.transport.abort()

    async with await asyncio.start_server(broker, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection: Any = AIOKafkaConnection("127.0.0.1", port, on_close=lambda _, reason: reasons.append(reason))
        connecting = asyncio.create_task(connection.connect())
        await asked.wait()
        sent = loop.create_future()
        lost = connection._protocol.connection_lost

        def send() -> None:
            assert connection.connected()
            try:
                connection.send(ApiVersionRequest())
            except (KafkaConnectionError, RuntimeError) as error:
                sent.set_result(error)

        def closes(error: Exception | None) -> None:
            loop.call_soon(send)  # runs before the reader, which hears of it by what follows
            lost(error)

        connection._protocol.connection_lost = closes
        reset.set()

        assert isinstance(await sent, KafkaConnectionError), await sent
        assert (connection.connected(), reasons) == (False, [CloseReason.CONNECTION_BROKEN])
        with pytest.raises(KafkaConnectionError):
            await connecting


def test_a_member_that_the_group_does_not_know_any_more_commits_nothing() -> None:
    repair()
    asyncio.run(_commits_as_a_stranger())


async def _commits_as_a_stranger() -> None:
    place, sent, client = TopicPartition("lane", 0), list[object](), AIOKafkaClient()

    async def send(_: int, request: object, **__: object) -> SimpleNamespace:
        sent.append(request)
        return SimpleNamespace(topics=[(place.topic, [(place.partition, 0)])])

    client.send = send
    subscription = SubscriptionState()
    coordinator = GroupCoordinator(client, subscription, group_id="deliver", enable_auto_commit=False)
    coordinator._coordination_task.cancel()  # it is in the group already
    subscription.subscribe({place.topic})
    subscription.assign_from_subscribed({place})
    coordinator.coordinator_id, coordinator.generation, coordinator.member_id = 0, 7, "a worker"
    offsets = {place: OffsetAndMetadata(5, "")}

    await coordinator.commit_offsets(subscription.subscription.assignment, offsets)
    assert len(sent) == 1

    coordinator.reset_generation()  # as after a heartbeat that the broker answers so
    with pytest.raises(CommitFailedError):
        await coordinator.commit_offsets(subscription.subscription.assignment, offsets)
    assert len(sent) == 1


def test_whoever_reads_is_told_that_nothing_will_be_fetched_any_more() -> None:
    repair()
    asyncio.run(_reads_after_the_end())


async def _reads_after_the_end() -> None:
    client, subscription = AIOKafkaClient(), SubscriptionState()
    fetcher = Fetcher(client, subscription)
    subscription.assign_from_user([TopicPartition("lane", 0)])
    assert await fetcher.fetched_records([], 0.01) == {}

    fetcher._fetch_task.cancel()
    await asyncio.wait([fetcher._fetch_task])
    with pytest.raises(KafkaError, match="the task that fetches"):
        await fetcher.fetched_records([], 0.01)
