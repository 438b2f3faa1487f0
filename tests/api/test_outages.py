"""RabbitMQ or Redis away, frozen, or empty: what clients see, how soon, and that it mends itself."""

import time
from concurrent.futures import ThreadPoolExecutor

import pika
import pytest
import redis
import requests

from streams.pending import record_key
from streams.settings import Settings
from streams.topics import JOBS_QUEUE
from tests.api.conftest import EMAIL, RECOVERY, Serve, recovers
from tests.support.private import Private

LIMIT = 2.0
"""Seconds for a 503."""


def post(api: str, **headers: str) -> requests.Response:
    return requests.post(f"{api}/api/notifications", json=EMAIL, headers=headers, timeout=5)


def unavailable(api: str) -> str:
    """What a 503 says; asserts that it is one, in time."""
    answer = post(api)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.elapsed.total_seconds() < LIMIT
    return str(answer.json()["message"])


@pytest.fixture
def api(serve: Serve, servers: Settings, rabbitmq: Private) -> str:
    url = serve(servers.model_copy(update={"rabbitmq_url": rabbitmq.url}))
    assert recovers(url)
    return url


def test_a_frozen_rabbitmq_is_a_503_in_time_and_nothing_afterwards(api: str, rabbitmq: Private) -> None:
    rabbitmq.freeze()
    assert "it may have been taken, so to try again may deliver it twice" in unavailable(api)
    assert "did not confirm in time" in unavailable(api)
    rabbitmq.thaw()
    assert recovers(api)


def test_many_clients_of_a_frozen_rabbitmq_all_hear_in_time(api: str, rabbitmq: Private) -> None:
    rabbitmq.freeze()
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: post(api), range(60)))
    assert {answer.status_code for answer in answers} == {503}
    assert max(answer.elapsed.total_seconds() for answer in answers) < LIMIT
    rabbitmq.thaw()
    assert recovers(api)


def test_a_rabbitmq_that_stops_is_a_503_in_time_and_nothing_after_its_return(api: str, rabbitmq: Private) -> None:
    rabbitmq.stop()
    assert "try again" in unavailable(api)
    time.sleep(LIMIT)
    answer = post(api)
    assert (answer.status_code, answer.elapsed.total_seconds() < 0.5) == (503, True)
    assert answer.json()["message"] == "not accepted, since there is no connection to RabbitMQ: try again"
    rabbitmq.start()
    assert recovers(api)


def test_the_api_starts_without_rabbitmq_and_finds_it_later(serve: Serve, servers: Settings, rabbitmq: Private) -> None:
    rabbitmq.stop()
    api = serve(servers.model_copy(update={"rabbitmq_url": rabbitmq.url}))
    assert requests.get(f"{api}/health", timeout=5).status_code == 200
    unavailable(api)
    rabbitmq.start()
    assert recovers(api)


def test_a_deleted_queue_is_a_503_and_declared_again(api: str, rabbitmq: Private) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(rabbitmq.url))
    connection.channel().queue_delete(JOBS_QUEUE)
    assert unavailable(api) == "not accepted, since RabbitMQ refused: NO_ROUTE: try again"
    assert recovers(api)
    assert connection.channel().queue_declare(JOBS_QUEUE, durable=True, passive=True).method.message_count == 1
    connection.close()


def test_a_frozen_redis_hardly_slows_a_post_and_is_used_again(
    serve: Serve, servers: Settings, redis_server: Private
) -> None:
    api = serve(servers.model_copy(update={"redis_url": redis_server.url}))
    assert recovers(api)
    redis_server.freeze()
    answers = [post(api, **{"Idempotency-Key": "frozen"}) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    slowest, *others = sorted((answer.elapsed.total_seconds() for answer in answers), reverse=True)
    assert slowest < 0.6
    assert max(others) < 0.3
    redis_server.thaw()
    with redis.Redis.from_url(redis_server.url) as kept:
        deadline = time.monotonic() + RECOVERY
        while not kept.exists(record_key(post(api).json()["id"])) and time.monotonic() < deadline:
            pass
        answers = [post(api, **{"Idempotency-Key": f"thawed-{number}"}) for number in range(20)]
        assert all(kept.exists(record_key(answer.json()["id"])) for answer in answers)
    assert len({answer.json()["id"] for answer in answers}) == 20
    again = post(api, **{"Idempotency-Key": "thawed-7"})
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (answers[7].json(), "true")


def test_the_api_works_without_redis(serve: Serve, servers: Settings, redis_server: Private) -> None:
    redis_server.stop()
    api = serve(servers.model_copy(update={"redis_url": redis_server.url}))
    assert recovers(api)
    assert [post(api).status_code for _ in range(3)] == [201, 201, 201]
    redis_server.start()
    with redis.Redis.from_url(redis_server.url) as kept:
        deadline = time.monotonic() + RECOVERY
        while time.monotonic() < deadline:
            if kept.exists(record_key(post(api).json()["id"])):
                return
    pytest.fail("pending records are not written after Redis came back")
