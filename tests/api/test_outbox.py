"""What the API says of a message that RabbitMQ did not confirm: exactly whether it may have it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal

import pytest
from pamqp import commands, frame
from pamqp.base import Frame

from api.outbox import Outbox, Unavailable
from streams.background import running
from streams.intake.amqp_wire import GREETING
from streams.topics import JOBS_QUEUE

Fault = Literal["silent", "hangs up", "refuses", "blocks"]
PATIENCE, SECONDS = 0.3, 60.0
ANSWERS: dict[str, Frame] = {
    "Connection.StartOk": commands.Connection.Tune(1, 131072, 0),
    "Connection.Open": commands.Connection.OpenOk(),
    "Channel.Open": commands.Channel.OpenOk(),
    "Confirm.Select": commands.Confirm.SelectOk(),
    "Queue.Declare": commands.Queue.DeclareOk("q", 0, 0),
}


class Broker:
    """RabbitMQ as far as a publisher sees it, with something wrong; `heard`: a message has reached it."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._writer: asyncio.StreamWriter | None = None
        self.heard = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer, rest = writer, b""
        await reader.readexactly(len(GREETING))
        writer.write(frame.marshal(commands.Connection.Start(server_properties={}), 0))
        while got := await reader.read(65536):
            rest += got
            while rest and (read := frame.unmarshal(rest))[0]:
                rest = rest[read[0] :]
                self._answer(getattr(read[2], "name", ""), read[1], writer)
        writer.close()

    def hang_up(self) -> None:
        assert self._writer is not None
        self._writer.close()

    def _answer(self, name: str, channel: int, writer: asyncio.StreamWriter) -> None:
        if name == "Queue.Declare" and self._fault == "blocks":
            writer.write(frame.marshal(commands.Connection.Blocked("low on disk"), 0))
        if name in ANSWERS:
            writer.write(frame.marshal(ANSWERS[name], channel))
        if name == "Basic.Publish":
            self.heard.set()
            if self._fault == "hangs up":
                writer.close()
            elif self._fault == "refuses":
                writer.write(frame.marshal(commands.Basic.Nack(1), channel))


@asynccontextmanager
async def facing(fault: Fault, patience: float) -> AsyncIterator[tuple[Outbox, Broker]]:
    """An outbox that is connected to such a broker."""
    broker = Broker(fault)
    server = await asyncio.start_server(broker, "127.0.0.1", 0)
    outbox = Outbox(f"amqp://127.0.0.1:{server.sockets[0].getsockname()[1]}/", patience)
    async with server, running(outbox.run()):
        await asyncio.wait_for(outbox._connected.wait(), SECONDS)
        yield outbox, broker


async def told(outbox: Outbox) -> tuple[str, bool]:
    """Why, and whether it may have been taken."""
    with pytest.raises(Unavailable) as caught:
        await outbox.publish(JOBS_QUEUE, "n1", datetime(2026, 1, 1, tzinfo=UTC), b"{}")
    return str(caught.value), caught.value.unknown


async def test_what_was_sent_and_not_confirmed_in_time_may_have_been_taken() -> None:
    async with facing("silent", PATIENCE) as (outbox, broker):
        assert await told(outbox) == ("RabbitMQ did not confirm in time", True)
        await asyncio.wait_for(broker.heard.wait(), SECONDS)


async def test_what_was_sent_over_a_connection_that_was_lost_then_may_have_been_taken() -> None:
    async with facing("hangs up", SECONDS) as (outbox, broker):
        assert await told(outbox) == ("the connection to RabbitMQ was lost before it confirmed", True)
        assert broker.heard.is_set()


async def test_what_was_held_back_while_rabbitmq_blocks_was_not_taken() -> None:
    async with facing("blocks", PATIENCE) as (outbox, broker):
        assert await told(outbox) == ("RabbitMQ takes no messages for now", False)
        assert not broker.heard.is_set()


async def test_what_was_held_back_until_the_connection_was_lost_was_not_taken() -> None:
    async with facing("blocks", SECONDS) as (outbox, broker):
        waiting = asyncio.create_task(told(outbox))
        await asyncio.sleep(0)
        broker.hang_up()
        assert await asyncio.wait_for(waiting, SECONDS) == ("there is no connection to RabbitMQ", False)
        assert not broker.heard.is_set()


async def test_what_rabbitmq_refused_was_not_taken() -> None:
    async with facing("refuses", SECONDS) as (outbox, _):
        assert await told(outbox) == ("RabbitMQ refused: RabbitMQ could not store it", False)


async def test_without_a_connection_nothing_was_taken() -> None:
    outbox = Outbox("amqp://127.0.0.1:1/", PATIENCE)
    async with running(outbox.run()):
        assert await told(outbox) == ("there is no connection to RabbitMQ", False)
