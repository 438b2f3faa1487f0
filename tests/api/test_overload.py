"""Too much waits, or RabbitMQ is short of memory: what clients see, and that it mends itself."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import redis
import requests
from pika.adapters.blocking_connection import BlockingChannel

from streams.health import depth
from streams.settings import Settings
from streams.topics import JOBS_QUEUE
from tests.api.conftest import EMAIL, Serve, first, recovers
from tests.support.private import Private
from tests.support.runtime import Runtime

LIKE = {"actorId": "user1", "targetId": "user2", "postId": "post1", "type": "LIKE"}
LIMIT = 100
"""Notifications."""
CTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"


def post(api: str) -> requests.Response:
    return requests.post(f"{api}/api/notifications", json=EMAIL, timeout=30)


@pytest.fixture
def api(serve: Serve, servers: Settings) -> str:
    return serve(servers.model_copy(update={"max_backlog": LIMIT}))


@pytest.fixture
def told(kept: redis.Redis) -> Iterator[Callable[[int], None]]:
    """Says what waits in the stages, as a worker does."""

    def tell(number: int) -> None:
        kept.set(depth.key("test"), number, px=60_000)
        kept.sadd(depth.INDEX, "test")

    yield tell
    kept.delete(depth.key("test"))


def test_when_too_much_waits_in_the_stages_clients_are_told_when_to_come_again(
    api: str, jobs: BlockingChannel, told: Callable[[int], None]
) -> None:
    assert recovers(api)
    told(LIMIT)
    refused = first(api, lambda answer: answer.status_code == 503)
    assert refused.json() == {"message": "not accepted, since too many notifications wait already: try again"}
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    before = jobs.queue_declare(JOBS_QUEUE, durable=True, passive=True).method.message_count
    assert {post(api).status_code for _ in range(20)} == {503}
    assert jobs.queue_declare(JOBS_QUEUE, durable=True, passive=True).method.message_count == before
    jobs.queue_purge(JOBS_QUEUE)
    told(LIMIT // 2)
    assert recovers(api)


def test_a_refusal_does_not_wait_for_the_body_and_the_connection_goes_on(api: str, told: Callable[[int], None]) -> None:
    told(LIMIT)
    first(api, lambda answer: answer.status_code == 503)
    with requests.Session() as session:
        for _ in range(3):
            assert session.post(f"{api}/api/notifications", data=b"x" * 10_000_000, timeout=30).status_code == 503
        assert session.get(f"{api}/health", timeout=30).status_code == 200


def test_the_social_ways_are_refused_too_each_in_its_own_words(api: str, told: Callable[[int], None]) -> None:
    told(LIMIT)
    first(api, lambda answer: answer.status_code == 503)
    event, like = (requests.post(f"{api}/{way}", json=LIKE, timeout=30) for way in ("events", "like"))
    assert event.status_code == 503
    assert "too many notifications wait" in event.json()["message"]
    assert (like.status_code, like.json()) == (500, {"message": "Failed to queue event"})
    assert [1 <= int(answer.headers["Retry-After"]) <= 60 for answer in (event, like)] == [True, True]


def test_what_waits_in_rabbitmq_counts_without_redis_too(
    serve: Serve, servers: Settings, jobs: BlockingChannel, redis_server: Private
) -> None:
    redis_server.stop()
    api = serve(servers.model_copy(update={"max_backlog": LIMIT, "redis_url": redis_server.url}))
    refused = first(api, lambda answer: answer.status_code == 503)
    assert "too many notifications wait" in refused.json()["message"]
    taken = jobs.queue_declare(JOBS_QUEUE, durable=True, passive=True).method.message_count
    assert taken >= LIMIT
    jobs.queue_purge(JOBS_QUEUE)
    assert recovers(api)


def control(rabbitmq: Private, *command: str) -> None:
    """What an operator does by `rabbitmqctl`, to a node without epmd."""
    environment = dict(rabbitmq._program.environment)
    port = environment["RABBITMQ_DIST_PORT"]
    environment["RABBITMQ_CTL_ERL_ARGS"] = f"-start_epmd false -erl_epmd_port {port} -dist_listen false"
    environment.pop("RABBITMQ_LOGS")
    subprocess.run([CTL, "--longnames", *command], env={**os.environ, **environment}, check=True, capture_output=True)


def test_a_rabbitmq_that_is_short_of_memory_is_a_503_at_once_until_it_is_not(
    serve: Serve, servers: Settings, rabbitmq: Private, runtime: Runtime
) -> None:
    api = serve(servers.model_copy(update={"rabbitmq_url": rabbitmq.url}))
    assert recovers(api)
    control(rabbitmq, "set_vm_memory_high_watermark", "0.00001")
    try:
        refused = first(api, lambda answer: "RabbitMQ takes no messages for now" in answer.text)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
        for _ in range(20):
            began = runtime()
            assert post(api).status_code == 503
            assert runtime() - began < 0.5
    finally:
        control(rabbitmq, "set_vm_memory_high_watermark", "0.6")
    assert recovers(api)


@pytest.mark.parametrize("path", ["/api/notifications", "/events", "/like"])
def test_a_body_that_does_not_come_is_given_up(api: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.create.BODY_TIMEOUT", 0.2)
    host, port = urlsplit(api).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        connection.sendall(head % path.encode() + b"{")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
