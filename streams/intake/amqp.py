"""The shared RabbitMQ edge: a connection when there is one to be had, and a new one whenever RabbitMQ came back."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

from streams.background import pause
from streams.intake.amqp_connection import Connection, Login, Lost, NotTaken
from streams.said import said

__all__ = ["Connection", "Lost", "NotTaken", "connect", "keep_connected"]

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 3.0
FIRST_PAUSE = 0.1
LAST_PAUSE = 2.0
"""Seconds between attempts to connect, doubled from the first to the last."""


async def keep_connected(url: str, stopping: asyncio.Event, use: Callable[[Connection], Awaitable[None]]) -> None:
    """Awaits `use` with a connection, and with a new one when it ends or raises `Lost`, until `stopping`."""
    seconds = FIRST_PAUSE
    while not stopping.is_set():
        try:
            connection = await connect(url)
            seconds = FIRST_PAUSE
            try:
                await use(connection)
            finally:
                await connection.close()
        except Lost as lost:
            log.warning("no RabbitMQ, next try in %.1f s: %s", seconds, lost)
        await pause(stopping, seconds)
        seconds = min(2 * seconds, LAST_PAUSE)


async def connect(url: str) -> Connection:
    """A connection to `amqp(s)://user:password@host:port/vhost`. Raises `Lost`, and `ValueError` for another URL."""
    address = urlsplit(url)
    if address.scheme not in ("amqp", "amqps") or not address.hostname:
        raise ValueError(f"expected amqp://user:password@host:port/vhost, got {address.scheme}://: set RABBITMQ_URL")
    tls = ssl.create_default_context() if address.scheme == "amqps" else None
    port = address.port or (5671 if tls else 5672)
    login = Login(
        unquote(address.username or "guest"), unquote(address.password or "guest"), unquote(address.path[1:]) or "/"
    )
    connection = Connection()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: connection, address.hostname, port, ssl=tls)
            await connection.open(login)
    except BaseException as error:
        connection.abort("never opened")
        if isinstance(error, OSError):
            raise Lost(f"no connection to {address.hostname}:{port}: {said(error)}") from error
        raise
    return connection
