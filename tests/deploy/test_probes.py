import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from deploy import probes
from deploy.stack import ports
from streams.settings import Settings

SCHEMES = {"kafka": "kafka://", "rabbitmq": "amqp://guest:guest@", "redis": "redis://", "mongo": "mongodb://"}


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """A port where connections are taken and nothing is ever said."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), ports.LOOPBACK, 0)
    yield server.sockets[0].getsockname()[1]
    for writer in held:
        writer.close()
    server.close()


@pytest.mark.parametrize("name", SCHEMES)
async def test_a_server_that_is_not_there_is_told(name: str) -> None:
    error = await probes.ask(name, f"{SCHEMES[name]}127.0.0.1:{ports.choose(taken=())}")
    assert error


@pytest.mark.parametrize("name", SCHEMES)
async def test_a_server_that_hangs_is_told_within_two_seconds(name: str, silent: int) -> None:
    began = time.monotonic()
    assert await probes.ask(name, f"{SCHEMES[name]}127.0.0.1:{silent}")
    assert time.monotonic() - began < 2


async def test_servers_that_answer_are_well(servers: Settings) -> None:
    assert await probes.ask_all(servers) == {"kafka": None, "rabbitmq": None, "redis": None, "mongo": None}
