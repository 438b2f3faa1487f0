"""POST /like and POST /events over real HTTP, RabbitMQ and Redis: every row of what they answer."""

import json
from collections.abc import Iterator
from typing import Any

import pika
import pytest
import redis
import requests
from pika.adapters.blocking_connection import BlockingChannel

from streams.codec import MAX_REQUEST_BYTES
from streams.pending import record_key
from streams.settings import Settings
from tests.api.conftest import AS_JSON, EMAIL, Serve, recovers
from tests.support.private import Private
from tests.support.queues import emptied, taken

QUEUE = "notification.event"
LIKE: dict[str, Any] = {"actorId": "user1", "targetId": "user2", "postId": "post1", "type": "LIKE"}
ALL = "type, actorId, targetId and postId are required"


def post(url: str, body: bytes | dict[str, Any], **headers: str) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body)
    return requests.post(url, data, headers=AS_JSON | headers, timeout=30)


def without(name: str, body: dict[str, Any] = LIKE) -> dict[str, Any]:
    return {field: value for field, value in body.items() if field != name}


@pytest.fixture
def events(servers: Settings) -> Iterator[BlockingChannel]:
    """A channel to the shared RabbitMQ, whose queue of social events is there and empty."""
    with emptied(servers.rabbitmq_url, QUEUE) as channel:
        yield channel


class TestLike:
    def test_the_reference_s_call_gets_the_reference_s_answer(self, api: str, events: BlockingChannel) -> None:
        answer = post(f"{api}/like", LIKE)
        assert (answer.status_code, answer.json()) == (200, {"message": "Event queued successfully"})
        assert json.loads(taken(events, QUEUE)[1]) == LIKE

    @pytest.mark.parametrize("name", ["actorId", "targetId", "postId", "type"])
    @pytest.mark.parametrize("value", [None, "", 5, ...])
    def test_every_field_is_required(self, api: str, events: BlockingChannel, name: str, value: object) -> None:
        answer = post(f"{api}/like", without(name) if value is ... else LIKE | {name: value})
        assert (answer.status_code, answer.json()) == (400, {"message": "Invalid payload"})
        assert events.basic_get(QUEUE) == (None, None, None)

    @pytest.mark.parametrize("kind", ["COMMENT", "SHARE", "FOLLOW", "MENTION", "like", "LIKE ", "POKE"])
    def test_the_type_is_exactly_like(self, api: str, kind: str) -> None:
        answer = post(f"{api}/like", LIKE | {"type": kind})
        assert (answer.status_code, answer.json()) == (400, {"message": "Invalid payload"})

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"type":"\xff"}'])
    def test_what_is_no_json_object_is_invalid_too(self, api: str, body: bytes) -> None:
        answer = post(f"{api}/like", body)
        assert (answer.status_code, answer.json()) == (400, {"message": "Invalid payload"})

    def test_it_tells_where_the_notification_can_be_read(self, api: str, kept: redis.Redis) -> None:
        name = post(f"{api}/like", LIKE).headers["Location"].removeprefix("/api/notifications/")
        assert kept.exists(record_key(name))


class TestEvents:
    @pytest.mark.parametrize("kind", ["LIKE", "COMMENT", "SHARE", "FOLLOW", "MENTION"])
    def test_each_kind_is_queued_as_it_came_and_its_notification_is_named(
        self, api: str, events: BlockingChannel, kind: str
    ) -> None:
        body = LIKE | {"type": kind} if kind != "FOLLOW" else without("postId") | {"type": kind}
        answer = post(f"{api}/events", body)
        name = answer.json()["id"]
        assert (answer.status_code, answer.json()) == (202, {"id": name, "status": "pending"})
        assert answer.headers["Location"] == f"/api/notifications/{name}"
        properties, message = taken(events, QUEUE)
        assert json.loads(message) == body
        assert (properties.message_id, properties.app_id, properties.delivery_mode) == (name, "tidings-api", 2)
        assert properties.headers
        assert "tidings-time" in properties.headers

    @pytest.mark.parametrize(
        ("kind", "priority", "message"),
        [
            ("COMMENT", "transactional", "user1 commented on your post titled 'unknown'"),
            ("FOLLOW", "promotional", "user1 started following you"),
        ],
    )
    def test_it_can_be_read_at_once(self, api: str, kept: redis.Redis, kind: str, priority: str, message: str) -> None:
        name = post(f"{api}/events", LIKE | {"type": kind}).json()["id"]
        record = json.loads(kept.get(record_key(name)))  # type: ignore[arg-type]
        post_of = {} if kind == "FOLLOW" else {"postId": "post1"}
        assert record == {
            "id": name,
            "_id": name,
            "type": "in-app",
            "recipient": "user2",
            "message": message,
            "metadata": None,
            "priority": priority,
            "eventType": kind,
            "actorId": "user1",
            **post_of,
            "status": "pending",
            "attempts": 0,
            "maxAttempts": 5,
            "lastError": None,
            "createdAt": record["createdAt"],
            "updatedAt": record["createdAt"],
        }

    @pytest.mark.parametrize("name", ["actorId", "targetId", "postId"])
    @pytest.mark.parametrize("value", [None, "", ...])
    def test_a_missing_field_is_named(self, api: str, events: BlockingChannel, name: str, value: object) -> None:
        answer = post(f"{api}/events", without(name) if value is ... else LIKE | {name: value})
        assert answer.status_code == 400
        assert answer.json() == {"message": ALL, "details": [{"field": name, "message": "is required"}]}
        assert events.basic_get(QUEUE) == (None, None, None)

    def test_all_faulty_fields_are_told(self, api: str) -> None:
        faulty = {"type": "POKE", "actorId": 1, "targetId": [], "postId": "", "timestamp": "soon", "id": {}}
        answer = post(f"{api}/events", faulty)
        assert answer.status_code == 400
        told = [detail["field"] for detail in answer.json()["details"]]
        assert told == ["type", "actorId", "targetId", "postId", "timestamp", "id"]

    def test_what_is_no_json_object_is_called_so(self, api: str) -> None:
        answer = post(f"{api}/events", b"[]")
        assert (answer.status_code, answer.json()) == (400, {"message": "the body must be a JSON object, got an array"})

    @pytest.mark.parametrize("path", ["/events", "/like"])
    def test_the_largest_body_passes_and_a_larger_one_is_a_413(self, api: str, path: str) -> None:
        room = MAX_REQUEST_BYTES - len(json.dumps(LIKE | {"x": ""}))
        assert post(f"{api}{path}", LIKE | {"x": "x" * room}).ok
        answer = post(f"{api}{path}", LIKE | {"x": "x" * (room + 1)})
        assert answer.status_code == 413
        assert answer.json() == {"message": f"the body must not have more than {MAX_REQUEST_BYTES} bytes"}


@pytest.mark.parametrize(("path", "status"), [("/events", 202), ("/like", 200)])
def test_with_an_idempotency_key_a_repeat_gets_the_first_answer(
    api: str, events: BlockingChannel, path: str, status: int
) -> None:
    key = {"Idempotency-Key": f"social {path}"}
    first, again = (post(f"{api}{path}", LIKE, **key) for _ in range(2))
    assert [first.status_code, again.status_code] == [status, status]
    assert (first.json(), first.headers["Location"]) == (again.json(), again.headers["Location"])
    assert ["Idempotency-Replayed" in answer.headers for answer in (first, again)] == [False, True]
    assert post(f"{api}{path}", LIKE | {"postId": "post2"}, **key).status_code == 422
    taken(events, QUEUE)
    assert events.basic_get(QUEUE) == (None, None, None)


@pytest.fixture
def outage(serve: Serve, servers: Settings, rabbitmq: Private) -> str:
    """The API on a RabbitMQ that the test may freeze and stop."""
    url = serve(servers.model_copy(update={"rabbitmq_url": rabbitmq.url}))
    assert recovers(url)
    return url


def assert_refused(api: str, words: str) -> None:
    like, event = post(f"{api}/like", LIKE), post(f"{api}/events", LIKE)
    assert (like.status_code, like.json()) == (500, {"message": "Failed to queue event"})
    assert event.status_code == 503
    assert words in event.json()["message"]
    assert (like.headers["Retry-After"], event.headers["Retry-After"]) == ("1", "1")


def test_while_rabbitmq_does_not_confirm_nothing_is_called_a_success(outage: str, rabbitmq: Private) -> None:
    rabbitmq.freeze()
    assert_refused(outage, "did not confirm in time")
    rabbitmq.thaw()
    assert recovers(outage)
    rabbitmq.stop()
    assert_refused(outage, "try again")
    rabbitmq.start()
    assert recovers(outage)
    assert post(f"{outage}/like", LIKE).status_code == 200


def test_a_deleted_queue_is_an_error_and_declared_again(outage: str, rabbitmq: Private) -> None:
    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        channel = connection.channel()
        channel.queue_delete(QUEUE)
        assert post(f"{outage}/like", LIKE).status_code == 500
        assert recovers(outage)
        assert post(f"{outage}/like", LIKE).status_code == 200
        assert channel.queue_declare(QUEUE, durable=True, passive=True).method.message_count == 1


def test_the_other_queue_hears_nothing_of_it(api: str, events: BlockingChannel) -> None:
    assert post(f"{api}/api/notifications", EMAIL).status_code == 201
    assert events.basic_get(QUEUE) == (None, None, None)


def test_the_openapi_page_shows_the_requests_and_every_answer(api: str) -> None:
    paths = requests.get(f"{api}/openapi.json", timeout=30).json()["paths"]
    event, like = paths["/events"]["post"], paths["/like"]["post"]
    schemas = [each["requestBody"]["content"]["application/json"]["schema"] for each in (event, like)]
    assert [schema["required"] for schema in schemas] == [
        ["type", "actorId", "targetId"],
        ["actorId", "targetId", "postId", "type"],
    ]
    assert schemas[1]["example"] == LIKE
    assert event["responses"].keys() == {"202", "400", "408", "409", "413", "415", "422", "503"}
    assert like["responses"].keys() == {"200", "400", "408", "409", "413", "415", "422", "500"}
