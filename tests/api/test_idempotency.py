"""Idempotency-Key: a repeat is the same notification, with the first answer if Redis has it."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
import requests
from hypothesis import given
from hypothesis import strategies as st
from pika.adapters.blocking_connection import BlockingChannel

from api.idempotency import derived_id
from streams.settings import Settings
from streams.topics import JOBS_QUEUE
from tests.api.conftest import EMAIL, Serve, recovers
from tests.support.private import Private

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def post(api: str, key: str, body: dict[str, Any] | None = None) -> requests.Response:
    return requests.post(f"{api}/api/notifications", json=body or EMAIL, headers={"Idempotency-Key": key}, timeout=30)


def record(key: str) -> str:
    return f"tidings:idempotency:default:{key}"


def published(jobs: BlockingChannel) -> int:
    return int(jobs.queue_declare(JOBS_QUEUE, durable=True).method.message_count)


@pytest.fixture
def key() -> str:
    return str(uuid4())


def test_a_repeat_gets_the_first_answer_and_publishes_nothing(api: str, jobs: BlockingChannel, key: str) -> None:
    first, again = post(api, key), post(api, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert published(jobs) == 1


def test_another_key_is_another_notification(api: str, key: str) -> None:
    assert post(api, key).json()["id"] != post(api, key + "'").json()["id"]


def test_another_body_is_a_422(api: str, jobs: BlockingChannel, key: str) -> None:
    post(api, key)
    answer = post(api, key, EMAIL | {"message": "bye"})
    assert answer.status_code == 422
    assert "used with another body" in answer.json()["message"]
    assert published(jobs) == 1


def test_a_key_is_remembered_for_a_day(api: str, kept: redis.Redis, servers: Settings, key: str) -> None:
    post(api, key)
    assert servers.idempotency_kept - 60 < kept.ttl(record(key)) <= servers.idempotency_kept == 86400


def test_a_faulty_body_uses_no_key_up(api: str, key: str) -> None:
    assert post(api, key, {"type": "fax"}).status_code == 400
    assert post(api, key).status_code == 201


@pytest.mark.parametrize("syntax", ["a", "x" * 255, '! "~'])
def test_a_key_is_1_to_255_printable_characters(api: str, syntax: str) -> None:
    assert post(api, syntax).status_code == 201


@pytest.mark.parametrize("syntax", ["", "x" * 256, "a\tb", "k\xe9y"])
def test_any_other_key_is_a_400(api: str, syntax: str) -> None:
    headers = {"Idempotency-Key": syntax.encode("latin-1")}
    answer = requests.post(f"{api}/api/notifications", json=EMAIL, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": "Idempotency-Key must be 1 to 255 printable ASCII characters"},
    )


def test_without_what_redis_knew_a_repeat_is_the_same_notification(
    api: str, jobs: BlockingChannel, kept: redis.Redis, key: str
) -> None:
    first = post(api, key)
    kept.delete(record(key))
    again = post(api, key)
    assert first.json()["id"] == again.json()["id"]
    assert "Idempotency-Replayed" not in again.headers
    assert published(jobs) == 2


def test_a_request_under_way_is_a_409_until_its_lease_is_over(
    api: str, kept: redis.Redis, servers: Settings, key: str
) -> None:
    accepted = post(api, key).json()
    kept.hdel(record(key), "answer")  # as if the first attempt had died before it was answered
    answer = post(api, key)
    assert answer.status_code == 409
    assert answer.headers["Retry-After"] == "1"
    lease = float(kept.hget(record(key), "leased") or 0) / 1000 - datetime.now(UTC).timestamp()
    assert 0 < lease <= servers.idempotency_lease
    kept.hset(record(key), "leased", 0)
    again = post(api, key)
    assert (again.status_code, again.json()) == (201, accepted)


def test_of_repeats_at_once_one_is_accepted_and_none_doubled(api: str, jobs: BlockingChannel, key: str) -> None:
    answers: list[requests.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(post(api, key))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert published(jobs) == 1


def test_a_failed_attempt_can_be_repeated_at_once_with_its_id_and_time(
    serve: Serve, servers: Settings, rabbitmq: Private, jobs: BlockingChannel, kept: redis.Redis, key: str
) -> None:
    gone = serve(servers.model_copy(update={"rabbitmq_url": rabbitmq.url}))
    assert recovers(gone)
    rabbitmq.freeze()
    answer = post(gone, key)
    assert answer.status_code == 503
    assert "to try again with the same Idempotency-Key is safe" in answer.json()["message"]
    noted = kept.hgetall(record(key))
    there = serve(servers)
    assert recovers(there)
    jobs.queue_purge(JOBS_QUEUE)
    answer = post(there, key)
    assert answer.status_code == 201
    assert answer.json()["id"].encode() == noted[b"id"]
    _, properties, _ = jobs.basic_get(JOBS_QUEUE, auto_ack=True)
    assert properties is not None
    assert properties.headers == {"tidings-time": int(noted[b"created"])}
    assert post(gone, key, EMAIL | {"message": "bye"}).status_code == 422


def test_without_redis_keys_work_by_their_derived_id(
    serve: Serve, servers: Settings, jobs: BlockingChannel, key: str
) -> None:
    api = serve(servers.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    assert recovers(api)
    jobs.queue_purge(JOBS_QUEUE)
    first, again = post(api, key), post(api, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert {jobs.basic_get(JOBS_QUEUE, auto_ack=True)[1].message_id for _ in range(2)} == {first.json()["id"]}  # type: ignore[union-attr]


def test_the_derived_id_holds_for_a_day() -> None:
    body = json.dumps(EMAIL).encode()
    midnight = NOON.replace(hour=0)
    today = {derived_id("t", "k", body, midnight + timedelta(seconds=seconds)) for seconds in (0, 43200, 86399.999)}
    assert len(today) == 1
    assert derived_id("t", "k", body, midnight + timedelta(days=1)) not in today
    assert derived_id("t", "k", body, midnight.astimezone()) in today


texts = st.text(max_size=5)


@given(texts, texts, st.binary(max_size=5), texts, texts, st.binary(max_size=5))
def test_only_the_same_tenant_key_and_body_have_the_same_id(
    tenant: str, key: str, body: bytes, tenant2: str, key2: str, body2: bytes
) -> None:
    one, two = derived_id(tenant, key, body, NOON), derived_id(tenant2, key2, body2, NOON)
    assert (one == two) == ((tenant, key, body) == (tenant2, key2, body2))
    assert str(UUID(one)) == one
