"""A connection to RabbitMQ: commands and messages out; answers, confirms and deliveries in.

It is our own because CPU counts: a confirmed publish costs 10 us here (aiormq 126, aio-pika 150), a consumed message 10
(69, 86). And because a message with broken properties, which any producer can send, makes either library drop the
connection and get the same message again, for ever.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from typing import NamedTuple, cast

from pamqp import commands
from pamqp.base import Frame
from pamqp.common import FieldTable
from pamqp.frame import FrameTypes
from pamqp.heartbeat import Heartbeat

from streams.intake import amqp_wire as wire

log = logging.getLogger(__name__)

HEARTBEAT = 4
"""Seconds; a peer that is silent for two of them is given up."""
CLOSE_TIMEOUT = 1.0
CLIENT: FieldTable = {
    "product": "Tidings",
    "capabilities": {
        "publisher_confirms": True,
        "basic.nack": True,
        "consumer_cancel_notify": True,
        "connection.blocked": True,
        "authentication_failure_close": True,
    },
}

Take = Callable[[wire.Delivery], None]


class Login(NamedTuple):
    """Who we are, and what we want to see."""

    user: str
    password: str
    vhost: str


class Lost(ConnectionError):
    """The connection is gone or was never made. What was sent may or may not have arrived."""


class NotTaken(Exception):
    """RabbitMQ refused the message: there is no such queue, or it could not store it."""


class Connection(asyncio.Protocol):
    """One connection, one channel, in confirm mode. Commands are for one task at a time, `publish` is for many."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[str] = self._loop.create_future()
        """Done as soon as nothing comes or goes any more; its result says why."""
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._reader = wire.Reader()
        self._reply: asyncio.Future[FrameTypes] | None = None
        self._consumers: dict[str, Take] = {}
        self._frame_max = wire.FRAME_MAX
        self._published = 0
        self._unconfirmed: dict[int, tuple[str, asyncio.Future[None]]] = {}
        """By publish number, in order: the message id, and who waits for the confirm."""
        self.blocked: str | None = None
        """Why RabbitMQ takes no messages for now, if it has said so: it is short of memory or disk."""
        self._full = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._heard = self._loop.time()
        self._pulse: asyncio.TimerHandle | None = None

    async def open(self, login: Login) -> None:
        """The handshake, up to the channel in confirm mode. Raises `Lost`."""
        await self._ask(wire.GREETING)
        tune = await self.call(commands.Connection.StartOk(CLIENT, "PLAIN", f"\0{login.user}\0{login.password}"), 0)
        assert isinstance(tune, commands.Connection.Tune)
        self._frame_max = min(tune.frame_max or wire.FRAME_MAX, wire.FRAME_MAX)
        self._write(wire.method(commands.Connection.TuneOk(wire.CHANNEL, self._frame_max, HEARTBEAT), 0))
        await self.call(commands.Connection.Open(login.vhost), 0)
        await self.call(commands.Channel.Open())
        await self.call(commands.Confirm.Select())
        self._beat()

    async def call(self, command: Frame, channel: int = wire.CHANNEL) -> FrameTypes:
        """RabbitMQ's answer to a command that has one. Raises `Lost`."""
        return await self._ask(wire.method(command, channel))

    async def declare(self, queue: str) -> int:
        """Make sure that there is this durable queue, without arguments; how many messages wait in it.

        Raises `Lost`, also if it has arguments.
        """
        declared = await self.call(commands.Queue.Declare(queue=queue, durable=True))
        assert isinstance(declared, commands.Queue.DeclareOk)
        return declared.message_count or 0

    async def consume(self, queue: str, take: Take, prefetch: int) -> None:
        """Have `take` called with each message of a queue; `prefetch` of them may be unacknowledged."""
        self._consumers[queue] = take
        await self.call(commands.Basic.Qos(prefetch_count=prefetch))
        await self.call(commands.Basic.Consume(queue=queue, consumer_tag=queue))

    async def stop_consuming(self) -> None:
        """No message is delivered any more once this returns; those that were can still be acknowledged."""
        for queue in self._consumers:
            await self.call(commands.Basic.Cancel(consumer_tag=queue))

    async def rest(self, seconds: float) -> None:
        """Read nothing for a while, so that what comes meanwhile is read in one go: to wake up is what costs."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.pause_reading()
        await asyncio.sleep(seconds)
        if not transport.is_closing():
            transport.resume_reading()

    def acknowledge(self, tag: int, *, multiple: bool = False) -> None:
        """RabbitMQ may forget this delivery, or all up to it. Raises `Lost`."""
        self._write(wire.acknowledge(tag, multiple=multiple))

    async def publish(self, queue: str, envelope: wire.Envelope, body: bytes) -> None:
        """Returns once RabbitMQ answers for the message; waits while it is `blocked`.

        Raises `NotTaken` and `Lost`; cancel it to wait no longer.
        """
        await (await self.send(queue, envelope, body))

    async def send(self, queue: str, envelope: wire.Envelope, body: bytes) -> asyncio.Future[None]:
        """The first half of `publish`: what it returns is done once RabbitMQ answers, or raises as `publish` does.

        Raises `Lost`. While it has not returned, nothing of the message has left.
        """
        await self._writable.wait()
        self._write(wire.publish(queue, envelope.properties, body, self._frame_max))
        self._published += 1
        confirmed: asyncio.Future[None] = self._loop.create_future()
        self._unconfirmed[self._published] = envelope.message_id, confirmed
        return confirmed

    async def close(self) -> None:
        """Take leave, within `CLOSE_TIMEOUT`."""
        if not self.gone.done():
            with suppress(Lost, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self.call(commands.Connection.Close(200, "done", 0, 0), 0)
        self.abort("closed")

    def abort(self, why: str) -> None:
        """Drop the connection, here and now."""
        if self._transport is not None:
            self._transport.abort()
        self._lose(why)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 - asyncio.Protocol's
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self._lose(str(exc or "closed by RabbitMQ"))

    def pause_writing(self) -> None:  # noqa: D102
        self._full = True
        self._open_or_shut()

    def resume_writing(self) -> None:  # noqa: D102
        self._full = False
        self._open_or_shut()

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self._heard = self._loop.time()
        for read in self._reader.feed(data):
            match read:
                case wire.Delivery():
                    self._consumers[read.consumer](read)
                case wire.Confirm():
                    self._confirm(read)
                case wire.Return():
                    self._return(read)
                case _:
                    self._on_command(read)

    def _on_command(self, command: FrameTypes) -> None:
        match command:
            case Heartbeat():
                pass
            case commands.Connection.Blocked():
                log.warning("RabbitMQ takes no messages for now: %s", command.reason)
                self.blocked = command.reason
                self._open_or_shut()
            case commands.Connection.Unblocked():
                log.info("RabbitMQ takes messages again")
                self.blocked = None
                self._open_or_shut()
            case commands.Connection.Close() | commands.Channel.Close():
                self.abort(f"{command.reply_code} {command.reply_text}")
            case commands.Basic.Cancel():
                self.abort(f"queue {command.consumer_tag} is gone")
            case _ if self._reply is not None and not self._reply.done():
                self._reply.set_result(command)

    def _open_or_shut(self) -> None:
        if self._full or self.blocked is not None:
            self._writable.clear()
        else:
            self._writable.set()

    def _confirm(self, confirm: wire.Confirm) -> None:
        numbers = [confirm.tag]
        if confirm.multiple:
            numbers = list(takewhile(lambda number: number <= confirm.tag, self._unconfirmed))
        for number in numbers:
            _, waiter = self._unconfirmed.pop(number)
            if not waiter.done():
                if confirm.taken:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(NotTaken("RabbitMQ could not store it"))

    def _return(self, returned: wire.Return) -> None:
        """A confirm follows, which must not be believed. The message is known by its id only: all that have it fail."""
        message_id = wire.decode_properties(returned.properties).message_id
        for published, waiter in self._unconfirmed.values():
            if published == message_id and not waiter.done():
                waiter.set_exception(NotTaken(returned.reason))

    async def _ask(self, data: bytes) -> FrameTypes:
        self._reply = self._loop.create_future()
        try:
            self._write(data)
            return await self._reply
        finally:
            self._reply = None

    def _write(self, data: bytes) -> None:
        if self._transport is None or self.gone.done():
            raise Lost(self.gone.result() if self.gone.done() else "not connected")
        if not self._outgoing:
            self._loop.call_soon(self._flush, self._transport)
        self._outgoing.append(data)

    def _flush(self, transport: asyncio.Transport) -> None:
        """Whatever was written in one turn of the event loop costs one system call."""
        if not transport.is_closing():
            transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def _beat(self) -> None:
        if self._loop.time() - self._heard > 2 * HEARTBEAT:
            self.abort(f"nothing heard for {2 * HEARTBEAT} s")
            return
        self._write(wire.HEARTBEAT)
        self._pulse = self._loop.call_later(HEARTBEAT / 2, self._beat)

    def _lose(self, why: str) -> None:
        if self.gone.done():
            return
        self.gone.set_result(why)
        if self._pulse is not None:
            self._pulse.cancel()
        self._writable.set()
        waiters = [waiter for _, waiter in self._unconfirmed.values()]
        for waiter in [*waiters, self._reply]:
            if waiter is not None and not waiter.done():
                waiter.set_exception(Lost(why))
