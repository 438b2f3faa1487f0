import asyncio
import gc
import time
from collections.abc import AsyncIterator

import pytest

from deploy import probes
from deploy.stack import ports
from streams.settings import Settings

ALL = {"kafka", "rabbitmq", "redis", "mongo"}


def all_at(port: int) -> Settings:
    """Settings by which every server is there."""
    return Settings(
        kafka_url=f"kafka://127.0.0.1:{port}",
        rabbitmq_url=f"amqp://guest:guest@127.0.0.1:{port}/",
        redis_url=f"redis://127.0.0.1:{port}/0",
        mongo_url=f"mongodb://127.0.0.1:{port}/",
    )


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """A port where connections are taken and nothing is ever said."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), ports.LOOPBACK, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in held:
        writer.close()
        await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])


async def test_servers_that_are_not_there_are_told() -> None:
    answers = await probes.ask_all(all_at(ports.choose(taken=())))
    assert {name for name, error in answers.items() if error} == ALL


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # not all clients clean up after a server that hangs
async def test_servers_that_hang_are_told_of_within_two_seconds(silent: int) -> None:
    began = time.monotonic()
    answers = await probes.ask_all(all_at(silent))
    assert {name for name, error in answers.items() if error} == ALL
    assert time.monotonic() - began < 2
    gc.collect()


async def test_servers_that_answer_are_well(servers: Settings) -> None:
    assert await probes.ask_all(servers) == dict.fromkeys(ALL)
