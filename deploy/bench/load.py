"""The load: requests over HTTP at a set rate or as fast as they are answered, or messages straight into RabbitMQ."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import uuid4

import aiohttp
import orjson

from streams import clock
from streams.clock import milliseconds
from streams.events import Priority
from streams.intake.amqp import connect
from streams.intake.amqp_wire import persistent_json
from streams.intake.requests import TIME_HEADER
from streams.topics import JOBS_QUEUE

TYPES = ("email", "sms", "push")
PRODUCERS = 200
"""Messages awaiting their confirms at a time."""
RECIPIENTS = 10_000
"""Different recipients, so that every partition has work."""


@dataclass
class Answers:
    """What the API answered: seconds each accepted request took, and how many were not accepted, by status."""

    seconds: list[float] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    elapsed: float = 0.0


def bodies(count: int, size: int = 0, priority: Priority | None = None) -> Iterator[bytes]:
    """Requests to all three channels, about 150 bytes each, or as much longer as `size` says."""
    for number in range(count):
        yield orjson.dumps(
            {
                "type": TYPES[number % len(TYPES)],
                "recipient": f"user{number % RECIPIENTS}@example.org",
                "message": f"Your parcel {number} is on its way and will be with you tomorrow." + "." * size,
                "metadata": {"order": number},
                **({} if priority is None else {"priority": priority}),
            }
        )


async def post(url: str, count: int, connections: int, rate: float | None) -> Answers:
    """POST `count` requests over this many connections; with a rate (per second) each has its time, busy or not."""
    answers, waiting = Answers(), iter(enumerate(bodies(count)))
    began = time.perf_counter()

    async def client(session: aiohttp.ClientSession) -> None:
        for number, body in waiting:
            due = began + (number / rate if rate else 0)
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            since = due if rate else time.perf_counter()
            async with session.post(url, data=body, headers={"content-type": "application/json"}) as response:
                await response.read()
            if response.status == HTTPStatus.CREATED:
                answers.seconds.append(time.perf_counter() - since)
            else:
                answers.refused[response.status] = answers.refused.get(response.status, 0) + 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        await asyncio.gather(*(client(session) for _ in range(connections)))
    answers.elapsed = time.perf_counter() - began
    return answers


async def publish(url: str, count: int, size: int = 0, priority: Priority | None = None) -> None:
    """Put `count` messages on the queue, each confirmed; `size` bytes longer than they need be."""
    connection = await connect(url)
    try:
        await connection.declare(JOBS_QUEUE)
        waiting = iter(bodies(count, size, priority))

        async def producer() -> None:
            for body in waiting:
                envelope = persistent_json(str(uuid4()), "tidings-bench", TIME_HEADER, milliseconds(clock.now()))
                await connection.publish(JOBS_QUEUE, envelope, body)

        await asyncio.gather(*(producer() for _ in range(PRODUCERS)))
    finally:
        await connection.close()
