"""A producer that is thrown away writes no more, whatever becomes of who throws it away."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer

from streams.kafka.producer import discarded, idempotent

SECONDS = 60.0


class Silent:
    """A producer whose broker does not answer: it has records left, and its connection does not close."""

    def __init__(self) -> None:
        self.producer: AIOKafkaProducer = idempotent(["127.0.0.1:1"])
        self.sender = asyncio.create_task(asyncio.Event().wait())
        self.closing = asyncio.Event()
        self.producer._sender._sender_task = self.sender
        self.producer.client._conns = {"broker": SimpleNamespace(close=self._close)}

    def _close(self, reason: object) -> asyncio.Future[None]:
        assert reason is not None
        self.closing.set()
        return asyncio.get_running_loop().create_future()


async def test_its_sender_ends_although_the_broker_does_not_answer() -> None:
    silent = Silent()
    await asyncio.wait_for(discarded(silent.producer), SECONDS)
    assert silent.sender.cancelled()


async def test_its_sender_ends_although_who_waits_for_that_is_cancelled() -> None:
    silent = Silent()
    throwing = asyncio.create_task(discarded(silent.producer))
    await asyncio.wait_for(silent.closing.wait(), SECONDS)
    throwing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await throwing
    assert silent.sender.cancelled()
