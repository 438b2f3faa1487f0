"""RabbitMQ or Redis away, frozen, or empty: what clients see, how soon, and that it mends itself."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pika
import pytest
import redis
import requests

from streams.pending import record_key
from streams.settings import Settings
from streams.topics import JOBS_QUEUE
from tests.api.conftest import EMAIL, RECOVERY, REDIS_PATIENCE, Serve, first, recovers
from tests.support.private import Private
from tests.support.runtime import Runtime

LIMIT = 2.0
"""Seconds for a 503."""
Timed = Callable[..., tuple[requests.Response, float]]
"""Posts, and tells after how many seconds there was an answer."""
Told = Callable[[str], str]


def post(api: str, **headers: str) -> requests.Response:
    return requests.post(f"{api}/api/notifications", json=EMAIL, headers=headers, timeout=30)


@pytest.fixture
def timed(runtime: Runtime) -> Timed:
    def post_timed(api: str, **headers: str) -> tuple[requests.Response, float]:
        began = runtime()
        return post(api, **headers), runtime() - began

    return post_timed


@pytest.fixture
def unavailable(timed: Timed) -> Callable[[str], str]:
    """What a 503 says; asserts that it is one, in time."""

    def told(api: str) -> str:
        answer, seconds = timed(api)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert seconds < LIMIT
        return str(answer.json()["message"])

    return told


@pytest.fixture
def api(serve: Serve, servers: Settings, rabbitmq: Private) -> str:
    url = serve(servers.model_copy(update={"rabbitmq_url": rabbitmq.url}))
    assert recovers(url)
    return url


def test_a_frozen_rabbitmq_is_a_503_in_time_and_nothing_afterwards(
    api: str, rabbitmq: Private, unavailable: Told
) -> None:
    rabbitmq.freeze()
    assert "it may have been taken, so to try again may deliver it twice" in unavailable(api)
    assert "did not confirm in time" in unavailable(api)
    rabbitmq.thaw()
    assert recovers(api)


def test_many_clients_of_a_frozen_rabbitmq_all_hear_in_time(api: str, rabbitmq: Private, timed: Timed) -> None:
    rabbitmq.freeze()
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: timed(api), range(60)))
    assert {answer.status_code for answer, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < LIMIT
    rabbitmq.thaw()
    assert recovers(api)


def test_a_rabbitmq_that_stops_is_a_503_in_time_and_nothing_after_its_return(
    api: str, rabbitmq: Private, unavailable: Told, timed: Timed
) -> None:
    rabbitmq.stop()
    assert "try again" in unavailable(api)
    gone = "not accepted, since there is no connection to RabbitMQ: try again"
    first(api, lambda answer: answer.json()["message"] == gone)
    time.sleep(LIMIT)  # once it has been away for so long nobody is kept waiting
    answer, seconds = timed(api)
    assert (answer.status_code, seconds < 0.5) == (503, True)
    assert answer.json()["message"] == gone
    rabbitmq.start()
    assert recovers(api)


def test_the_api_starts_without_rabbitmq_and_finds_it_later(
    serve: Serve, servers: Settings, rabbitmq: Private, unavailable: Told
) -> None:
    rabbitmq.stop()
    api = serve(servers.model_copy(update={"rabbitmq_url": rabbitmq.url}))
    assert requests.get(f"{api}/health", timeout=30).status_code == 200
    unavailable(api)
    rabbitmq.start()
    assert recovers(api)


def test_a_deleted_queue_is_a_503_and_declared_again(api: str, rabbitmq: Private, unavailable: Told) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(rabbitmq.url))
    connection.channel().queue_delete(JOBS_QUEUE)
    assert unavailable(api) == "not accepted, since RabbitMQ refused: NO_ROUTE: try again"
    assert recovers(api)
    assert connection.channel().queue_declare(JOBS_QUEUE, durable=True, passive=True).method.message_count == 1
    connection.close()


def test_a_frozen_redis_hardly_slows_a_post_and_is_used_again(
    serve: Serve, servers: Settings, redis_server: Private, timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = serve(servers.model_copy(update={"redis_url": redis_server.url}))
    assert recovers(api)
    redis_server.freeze()
    with monkeypatch.context() as impatient:
        impatient.setattr("api.redis_pipe.PATIENCE", REDIS_PATIENCE)
        told = [timed(api, **{"Idempotency-Key": "frozen"}) for _ in range(5)]
    answers = [answer for answer, _ in told]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    slowest, *others = sorted((seconds for _, seconds in told), reverse=True)
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
