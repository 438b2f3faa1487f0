"""POST /api/notifications over real HTTP, RabbitMQ and Redis: every row of what it answers."""

import json
import re
import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import requests
from pika.adapters.blocking_connection import BlockingChannel

from streams.codec import MAX_REQUEST_BYTES
from streams.pending import INDEX, record_key
from streams.settings import Settings
from streams.topics import JOBS_QUEUE
from tests.api.conftest import AS_JSON, EMAIL
from tests.support.queues import taken

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TOO_LARGE = {"message": f"the body must not have more than {MAX_REQUEST_BYTES} bytes"}


def post(api: str, body: bytes | dict[str, Any], **headers: str) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(f"{api}/api/notifications", data, headers=AS_JSON | headers, timeout=30)


def test_health_is_ok(api: str) -> None:
    answer = requests.get(f"{api}/health", timeout=30)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_what_is_accepted_is_answered_as_the_reference_does_with_a_location(api: str) -> None:
    answer = post(api, EMAIL)
    accepted = answer.json()
    assert answer.status_code == 201
    assert accepted == accepted | {"status": "pending", "attempts": 0, "maxAttempts": 5}
    assert accepted.keys() == {"id", "status", "attempts", "maxAttempts", "createdAt"}
    assert ISO.fullmatch(accepted["createdAt"])
    assert datetime.fromisoformat(accepted["createdAt"]) - datetime.now(UTC) < timedelta(seconds=5)
    assert answer.headers["Location"] == f"/api/notifications/{accepted['id']}"


def test_what_is_accepted_is_on_rabbitmq_persistent_and_as_it_came(api: str, jobs: BlockingChannel) -> None:
    body = b'{ "type": "sms", "recipient": "+43 1", "message": "\\u00e4", "id": "ours-only", "x": 1e2 }'
    accepted = post(api, body).json()
    properties, message = taken(jobs, JOBS_QUEUE)
    created = datetime.fromisoformat(accepted["createdAt"])
    assert message == body
    assert (properties.delivery_mode, properties.content_type) == (2, "application/json")
    assert (properties.message_id, properties.app_id) == (accepted["id"], "tidings-api")
    assert properties.headers == {"tidings-time": round(created.timestamp() * 1000)}


def test_what_is_accepted_can_be_read_at_once(api: str, kept: redis.Redis, servers: Settings) -> None:
    accepted = post(api, EMAIL | {"metadata": {"order": 1}, "priority": "promotional"}).json()
    record = json.loads(kept.get(record_key(accepted["id"])))  # type: ignore[arg-type]
    assert record == accepted | {
        "_id": accepted["id"],
        "type": "email",
        "recipient": "ada@example.org",
        "message": "hello",
        "metadata": {"order": 1},
        "lastError": None,
        "updatedAt": accepted["createdAt"],
        "priority": "promotional",
    }
    created = datetime.fromisoformat(accepted["createdAt"]).timestamp()
    assert kept.zscore(INDEX, accepted["id"]) == pytest.approx(created * 1000)
    assert 0 < kept.ttl(record_key(accepted["id"])) <= servers.pending_kept


def test_optional_fields_default_as_they_are_read_later(api: str, kept: redis.Redis) -> None:
    record = json.loads(kept.get(record_key(post(api, EMAIL).json()["id"])))  # type: ignore[arg-type]
    assert (record["metadata"], record["priority"]) == (None, "transactional")


def test_expired_records_leave_the_index(api: str, kept: redis.Redis, servers: Settings) -> None:
    now = datetime.now(UTC).timestamp()
    kept.zadd(INDEX, {"expired": (now - servers.pending_kept - 1) * 1000, "fresh": (now - 60) * 1000})
    deadline = now + 60
    while kept.zscore(INDEX, "expired") is not None and datetime.now(UTC).timestamp() < deadline:
        post(api, EMAIL)
    assert kept.zscore(INDEX, "expired") is None
    assert kept.zscore(INDEX, "fresh") is not None


@pytest.mark.parametrize("missing", ["type", "recipient", "message"])
@pytest.mark.parametrize("value", [None, "", ...])
def test_a_missing_field_is_a_400_in_the_references_words(api: str, missing: str, value: object) -> None:
    body = {name: given for name, given in (EMAIL | {missing: value}).items() if given is not ...}
    answer = post(api, body)
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "type, recipient and message are required",
        "details": [{"field": missing, "message": "is required"}],
    }


def test_an_unknown_type_is_a_400_that_lists_the_known_ones(api: str) -> None:
    answer = post(api, EMAIL | {"type": "fax"})
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "type must be one of email, sms, push",
        "details": [{"field": "type", "message": "must be one of email, sms, push"}],
    }


def test_all_faulty_fields_are_told(api: str) -> None:
    answer = post(api, {"type": 1, "recipient": ["a"], "message": {}, "metadata": "x", "priority": "high"})
    assert answer.status_code == 400
    fields = [detail["field"] for detail in answer.json()["details"]]
    assert fields == ["type", "recipient", "message", "metadata", "priority"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b'{"type":"\xff"}', b'{"type":"\\ud800"}', b"[" * 9999, b"\0"]
)
def test_a_body_that_is_no_json_object_is_a_400(api: str, body: bytes) -> None:
    answer = post(api, body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("the body must be a JSON object")
    assert answer.headers["Content-Type"] == "application/json"


def test_what_is_refused_goes_nowhere(api: str, jobs: BlockingChannel) -> None:
    post(api, EMAIL | {"type": "fax"})
    assert jobs.basic_get(JOBS_QUEUE) == (None, None, None)


def padded(size: int) -> bytes:
    return json.dumps(EMAIL | {"message": "x" * (size - len(json.dumps(EMAIL | {"message": ""})))}).encode()


def test_the_largest_body_passes(api: str) -> None:
    assert post(api, padded(MAX_REQUEST_BYTES)).status_code == 201


@pytest.mark.parametrize("size", [MAX_REQUEST_BYTES + 1, 300 * 1024, 2 * 1024 * 1024])
def test_a_larger_body_is_a_413(api: str, size: int) -> None:
    answer = post(api, padded(size))
    assert (answer.status_code, answer.json()) == (413, TOO_LARGE)


def test_a_larger_body_in_chunks_without_a_length_is_a_413(api: str) -> None:
    chunks = (b"x" * 65536 for _ in range(16))
    answer = requests.post(f"{api}/api/notifications", data=chunks, headers=AS_JSON, timeout=30)
    assert (answer.status_code, answer.json()) == (413, TOO_LARGE)


def test_a_length_that_is_too_large_is_a_413_before_anything_is_sent(api: str) -> None:
    address = urlsplit(api)
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        client.sendall(b"POST /api/notifications HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_goes_away_while_it_sends_harms_nobody(api: str, jobs: BlockingChannel) -> None:
    address = urlsplit(api)
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        head = b"POST /api/notifications HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100"
        client.sendall(head + b"\r\n\r\n{")
    assert post(api, EMAIL).status_code == 201
    assert json.loads(taken(jobs, JOBS_QUEUE)[1]) == EMAIL


def test_a_connection_serves_on_after_a_413(api: str) -> None:
    with requests.Session() as session:
        assert session.post(f"{api}/api/notifications", padded(300 * 1024), timeout=30).status_code == 413
        assert session.post(f"{api}/api/notifications", json=EMAIL, timeout=30).status_code == 201


def test_the_openapi_page_shows_the_request_and_every_answer(api: str) -> None:
    document = requests.get(f"{api}/openapi.json", timeout=30).json()
    operation = document["paths"]["/api/notifications"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["type", "recipient", "message"]
    assert schema["example"]["type"] == "email"
    assert operation["responses"].keys() == {"201", "400", "408", "409", "413", "415", "422", "503"}
    assert [parameter["name"] for parameter in operation["parameters"]] == ["Idempotency-Key"]
    assert "/health" in document["paths"]
