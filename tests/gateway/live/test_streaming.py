"""Status changes as a stream, without servers: how it opens and how it ends."""

import asyncio

import pytest

from gateway.live.feed import Feed
from gateway.live.streaming import Streaming
from gateway.socket.presence import Presence
from streams.settings import Settings

SECONDS = 60.0


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def feed() -> Feed:
    """One that reads nothing, as while Kafka is away."""
    return Feed(Settings())


@pytest.fixture
def streaming(feed: Feed, stopping: asyncio.Event) -> Streaming:
    return Streaming(feed, Presence(Settings()), stopping)


async def test_a_stream_that_waits_for_kafka_ends_with_the_process(
    streaming: Streaming, feed: Feed, stopping: asyncio.Event
) -> None:
    told = asyncio.ensure_future(anext(streaming._changes(None), b"the end"))
    await asyncio.sleep(0)
    stopping.set()
    assert await asyncio.wait_for(told, SECONDS) == b"the end"
    assert not feed._all


async def test_a_stream_opens_when_the_feed_reads_and_ends_with_the_process(
    streaming: Streaming, feed: Feed, stopping: asyncio.Event
) -> None:
    changes = streaming._changes("n1")
    told = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    feed._reading.set()
    assert await asyncio.wait_for(told, SECONDS) == b"event: open\ndata: {}\n\n"
    ended = asyncio.ensure_future(anext(changes, b"the end"))
    await asyncio.sleep(0)
    stopping.set()
    assert await asyncio.wait_for(ended, SECONDS) == b"the end"
    assert not feed._some
