"""Accepted requests go out to the two queues, each confirmed by RabbitMQ before its client hears so."""

import asyncio
from datetime import datetime

from streams.clock import milliseconds
from streams.intake.amqp import Connection, Lost, NotTaken, keep_connected
from streams.intake.amqp_wire import persistent_json
from streams.intake.requests import API, TIME_HEADER
from streams.topics import JOBS_QUEUE, SOCIAL_QUEUE

LOOK_EVERY = 1.0
"""Seconds between two looks at how much waits in RabbitMQ."""
UNCONNECTED, BLOCKED = "there is no connection to RabbitMQ", "RabbitMQ takes no messages for now"


class Unavailable(Exception):
    """RabbitMQ did not confirm a message. `unknown`: it may have it nevertheless."""

    def __init__(self, why: str, *, unknown: bool) -> None:
        super().__init__(why)
        self.unknown = unknown


class Outbox:
    """Publishes over one connection, made anew whenever it is lost; `run` has to be running.

    `waiting` is the number of messages in the queues when RabbitMQ was last asked.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url, self._timeout = url, timeout
        self._connection: Connection | None = None
        self._connected = asyncio.Event()
        self._away_since = 0.0
        self.waiting = 0

    @property
    def blocked(self) -> bool:
        """Whether RabbitMQ has said that it takes no messages for now, since it is short of memory or disk."""
        return self._connection is not None and self._connection.blocked is not None

    async def run(self) -> None:
        """Keep a connection, until cancelled. RabbitMQ may be away, at the start too."""
        self._away_since = asyncio.get_running_loop().time()
        await keep_connected(self._url, asyncio.Event(), self._use)

    async def publish(self, queue: str, notification: str, created: datetime, body: bytes) -> None:
        """Returns once RabbitMQ answers for the message. Raises `Unavailable`, within `timeout` seconds."""
        envelope = persistent_json(notification, API, TIME_HEADER, milliseconds(created))
        connection = confirmed = None
        try:
            async with asyncio.timeout(self._timeout):
                connection = self._connection or await self._wait_for_connection()
                confirmed = await connection.send(queue, envelope, body)
                await confirmed
        except NotTaken as error:
            assert connection is not None
            connection.abort(f"{queue} is to be declared again")
            raise Unavailable(f"RabbitMQ refused: {error}", unknown=False) from error
        except TimeoutError as error:
            if confirmed is not None:
                raise Unavailable("RabbitMQ did not confirm in time", unknown=True) from error
            raise Unavailable(UNCONNECTED if connection is None else BLOCKED, unknown=False) from error
        except Lost as error:
            if confirmed is not None:
                raise Unavailable("the connection to RabbitMQ was lost before it confirmed", unknown=True) from error
            raise Unavailable(UNCONNECTED, unknown=False) from error

    async def _wait_for_connection(self) -> Connection:
        """Bridges a short absence; after a long one there is no point in keeping a client waiting."""
        if asyncio.get_running_loop().time() - self._away_since > self._timeout:
            raise Lost
        while self._connection is None:
            await self._connected.wait()
        return self._connection

    async def _use(self, connection: Connection) -> None:
        await self._look(connection)
        self._connection = connection
        self._connected.set()
        try:
            while not connection.gone.done():
                await asyncio.wait([connection.gone], timeout=LOOK_EVERY)
                await self._look(connection)
        finally:
            self._connection = None
            self._connected.clear()
            self._away_since = asyncio.get_running_loop().time()

    async def _look(self, connection: Connection) -> None:
        """How much waits. A connection that is blocked answers once it is no more. Raises `Lost`."""
        self.waiting = await connection.declare(JOBS_QUEUE) + await connection.declare(SOCIAL_QUEUE)
