"""The API on a port of its own, served by uvicorn as `deploy.web` serves it; its clients are independent ones."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from pika.adapters.blocking_connection import BlockingChannel

from api.app import router
from deploy.servers.rabbitmq import RabbitMQ
from deploy.servers.redis import Redis
from streams.settings import Settings
from streams.topics import JOBS_QUEUE
from tests.support.private import Private
from tests.support.queues import emptied
from tests.support.web import serving

Serve = Callable[[Settings], str]

AS_JSON = {"Content-Type": "application/json"}
EMAIL: dict[str, Any] = {"type": "email", "recipient": "ada@example.org", "message": "hello"}
RECOVERY = 60.0
REDIS_PATIENCE = 0.1
"""Seconds; the latter is the API's own, to be had back where Redis is frozen."""


def first(api: str, wanted: Callable[[requests.Response], bool]) -> requests.Response:
    """The first answer to a notification that is as wanted."""
    deadline = time.monotonic() + RECOVERY
    while time.monotonic() < deadline:
        if wanted(answer := requests.post(f"{api}/api/notifications", json=EMAIL, timeout=30)):
            return answer
    return pytest.fail("no such answer came")


def recovers(api: str) -> bool:
    """Whether it soon accepts notifications."""
    return first(api, lambda answer: answer.status_code == 201).ok


@pytest.fixture(autouse=True)
def _redis_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not asserted of a Redis that answers is how soon."""
    monkeypatch.setattr("api.redis_pipe.PATIENCE", 30.0)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the API with these settings until the test ends, at the URL it returns."""
    with ExitStack() as served:
        yield lambda settings: served.enter_context(serving(router(settings)))


@pytest.fixture(scope="session")
def api(servers: Settings) -> Iterator[str]:
    """The API on the shared servers."""
    with serving(router(servers)) as url:
        yield url


@pytest.fixture
def jobs(servers: Settings) -> Iterator[BlockingChannel]:
    """A channel to the shared RabbitMQ, whose jobs queue is there and empty."""
    with emptied(servers.rabbitmq_url, JOBS_QUEUE) as channel:
        yield channel


@pytest.fixture
def kept(servers: Settings) -> Iterator[redis.Redis]:
    """The shared Redis."""
    with redis.Redis.from_url(servers.redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def rabbitmq_server(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Private]:  # noqa: ARG001 - an integration test
    server = Private(RabbitMQ(), tmp_path_factory.mktemp("rabbitmq"))
    yield server
    server.stop()


@pytest.fixture
def rabbitmq(rabbitmq_server: Private) -> Iterator[Private]:
    """A RabbitMQ that may be frozen and stopped."""
    rabbitmq_server.start()
    yield rabbitmq_server
    rabbitmq_server.thaw()


@pytest.fixture
def redis_server(servers: Settings, tmp_path: Path) -> Iterator[Private]:  # noqa: ARG001 - an integration test
    """A Redis that may be frozen and stopped."""
    server = Private(Redis(), tmp_path)
    server.start()
    yield server
    server.stop()
