import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.probes import NAMES, probes
from deploy.stack import ports
from streams.settings import Settings
from tests.support.runtime import Runtime

pytestmark = pytest.mark.integration


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
    async with probes(all_at(ports.choose(taken=()))) as asking:
        answers = await asking.ask_all()
    assert [name for name, error in answers.items() if error] == list(NAMES)


# Not MongoDB's: its client leaves a socket behind when it is closed while it waits for a server's first word.
@pytest.mark.parametrize("name", ["kafka", "rabbitmq", "redis"])
async def test_a_server_that_hangs_is_told_of_within_two_seconds(silent: int, name: str, runtime: Runtime) -> None:
    began = runtime()
    async with probes(all_at(silent)) as asking:
        assert await asking.ask(name)
    assert runtime() - began < 2


async def test_servers_that_answer_are_well(servers: Settings) -> None:
    async with probes(servers) as asking:
        assert await asking.ask_all() == dict.fromkeys(NAMES)
        assert await asking.ask_all() == dict.fromkeys(NAMES)
