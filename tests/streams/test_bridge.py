"""The bridge between a real RabbitMQ and a real Kafka: nothing is lost, poison goes aside, crashes show as repeats."""

import asyncio
import json
import subprocess
import sys
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import orjson
import pika
import pytest
from aiokafka import ConsumerRecord
from pika.adapters.blocking_connection import BlockingChannel

from deploy.declare import declare
from streams import bridge, codec
from streams.events import Event, Personal, Requested
from streams.health.vitals import Vitals
from streams.intake import records
from streams.intake import requests as rules
from streams.intake.amqp import connect
from streams.intake.amqp_wire import Envelope
from streams.intake.directory import LookUp
from streams.intake.names import Names
from streams.intake.requests import Message
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, JOBS_QUEUE, QUEUES, REQUESTS, SOCIAL_QUEUE, partition_for
from tests.support.kafka import read, read_until
from tests.support.queues import emptied
from tests.support.working import working

EMAIL: dict[str, Any] = {"type": "email", "recipient": "ada@example.org", "message": "hello"}
LIKE: dict[str, Any] = {"type": "LIKE", "actorId": "user1", "targetId": "user2", "postId": "post1"}
SECONDS = 60


@pytest.fixture(scope="module")
async def settings(servers: Settings) -> Settings:
    await declare(servers)
    return servers


@pytest.fixture
def rabbitmq(settings: Settings) -> Iterator[BlockingChannel]:
    """An independent producer; both queues are empty."""
    with emptied(settings.rabbitmq_url, JOBS_QUEUE, SOCIAL_QUEUE) as channel:
        yield channel


def bridging(settings: Settings, look_up: LookUp | None = None) -> AbstractAsyncContextManager[None]:
    return working(lambda stopping: bridge.run(settings, stopping, Vitals(), look_up))


async def until(
    settings: Settings, topic: str, enough: Callable[[list[ConsumerRecord]], object]
) -> list[ConsumerRecord]:
    async with asyncio.timeout(SECONDS):
        return await read_until(settings.kafka_url, topic, lambda records: bool(enough(records)))


async def requests_for(settings: Settings, name: str, count: int = 1) -> list[ConsumerRecord]:
    """The records of the notification with this name, when there are that many."""

    def of_it(records: list[ConsumerRecord]) -> list[ConsumerRecord]:
        return [record for record in records if codec.decode(record.value).notification == name]

    return of_it(await until(settings, REQUESTS, lambda records: len(of_it(records)) >= count))


async def letter_for(settings: Settings, body: bytes) -> dict[str, Any]:
    """The dead letter of a message with this body, when there is one; others may have given up the same bytes."""
    digest = sha256(body).hexdigest()

    def of_it(records: list[ConsumerRecord]) -> list[dict[str, Any]]:
        letters = [orjson.loads(record.value)["data"] for record in records]
        return [letter for letter in letters if (letter["stage"], letter["sha256"]) == ("bridge", digest)]

    [letter, *more] = of_it(await until(settings, DEAD_LETTERS, of_it))
    assert all(again == letter for again in more)
    return letter


def requested(record: ConsumerRecord) -> Event[Requested]:
    event = codec.decode(record.value)
    assert isinstance(event.body, Requested)
    return event  # type: ignore[return-value]


def send(channel: BlockingChannel, queue: str, body: bytes | dict[str, Any], **properties: Any) -> bytes:  # noqa: ANN401
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    channel.basic_publish("", queue, raw, pika.BasicProperties(**properties), mandatory=True)
    return raw


def left(rabbitmq: BlockingChannel) -> int:
    return sum(rabbitmq.queue_declare(queue, durable=True).method.message_count for queue in QUEUES)


async def comes_to(rabbitmq: BlockingChannel, count: int) -> bool:
    """Whether RabbitMQ soon has that many messages that nobody has taken."""
    for _ in range(SECONDS * 20):
        if left(rabbitmq) == count:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_delivery_of_any_producer_becomes_a_request(settings: Settings, rabbitmq: BlockingChannel) -> None:
    name = str(uuid4())
    async with bridging(settings):
        send(rabbitmq, JOBS_QUEUE, EMAIL | {"metadata": {"order": 1}}, message_id=name, correlation_id="order-1")
        [record] = await requests_for(settings, name)
    event = requested(record)
    assert event.body.request.personal == Personal("ada@example.org", "hello", {"order": 1})
    assert (event.correlation, event.source) == ("order-1", "bridge")
    assert record.key == name.encode()
    assert dict(record.headers)["id"] == event.id.encode()


async def test_a_social_event_becomes_a_request_under_its_actor(settings: Settings, rabbitmq: BlockingChannel) -> None:
    name, stated = str(uuid4()), datetime.now(UTC) - timedelta(seconds=3)
    async with bridging(settings):
        send(rabbitmq, SOCIAL_QUEUE, LIKE | {"id": name, "timestamp": stated.isoformat()})
        [record] = await requests_for(settings, name)
    event = requested(record)
    assert event.body.request.channel == "in-app"
    assert event.body.request.personal.message == "user1 liked your post titled 'unknown'"
    assert event.time == stated.replace(microsecond=stated.microsecond // 1000 * 1000)
    assert record.key == b"user1"
    assert record.partition == partition_for(b"user1", settings.partitions)


class Known:
    """A directory that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []

    async def names(self, users: Collection[str]) -> dict[str, str]:
        self.asked.append(set(users))
        return dict.fromkeys(users, "Ada")

    async def titles(self, posts: Collection[str]) -> dict[str, str]:
        self.asked.append(set(posts))
        return dict.fromkeys(posts, "Tides")


async def test_names_and_titles_that_are_known_go_into_the_request(
    settings: Settings, rabbitmq: BlockingChannel
) -> None:
    name, directory = str(uuid4()), Known()
    send(rabbitmq, SOCIAL_QUEUE, LIKE | {"id": name})
    async with bridging(settings, LookUp(directory, Counter())):
        [record] = await requests_for(settings, name)
    personal = requested(record).body.request.personal
    assert personal.message == "Ada liked your post titled 'Tides'"
    assert (personal.actor, personal.post, record.key) == ("user1", "post1", b"user1")
    assert directory.asked == [{"user1"}, {"post1"}]


async def test_nobody_is_looked_up_for_deliveries(settings: Settings, rabbitmq: BlockingChannel) -> None:
    name, directory = str(uuid4()), Known()
    send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=name)
    async with bridging(settings, LookUp(directory, Counter())):
        await requests_for(settings, name)
    assert directory.asked == []


async def test_a_thousand_messages_all_pass_and_leave_rabbitmq_empty(
    settings: Settings, rabbitmq: BlockingChannel
) -> None:
    run = str(uuid4())
    for number in range(500):
        send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=f"{run}-{number}")
        send(rabbitmq, SOCIAL_QUEUE, LIKE, message_id=f"{run}-{number + 500}")

    def ours(records: list[ConsumerRecord]) -> set[str]:
        return {name for record in records if (name := codec.decode(record.value).notification).startswith(run)}

    async with bridging(settings), bridging(settings):
        records = await until(settings, REQUESTS, lambda records: len(ours(records)) == 1000)
    assert ours(records) == {f"{run}-{number}" for number in range(1000)}
    assert left(rabbitmq) == 0


@pytest.mark.parametrize(
    ("queue", "body", "reason", "words"),
    [
        (JOBS_QUEUE, b"", "undecodable", "must be a JSON object"),
        (JOBS_QUEUE, b"hello", "undecodable", "must be a JSON object"),
        (JOBS_QUEUE, b'{"type": "\xff"}', "undecodable", "must be a JSON object in UTF-8"),
        (JOBS_QUEUE, b'{"jobId": "656f"}', "invalid", "jobId alone"),
        (JOBS_QUEUE, b'{"type":"fax","recipient":"a","message":"b"}', "invalid", "must be one of email, sms, push"),
        (JOBS_QUEUE, json.dumps(EMAIL | {"message": "x" * 300 * 1024}).encode(), "oversized", "262144"),
        (JOBS_QUEUE, json.dumps(EMAIL | {"message": "x" * 2 * 1024 * 1024}).encode(), "oversized", "262144"),
        (SOCIAL_QUEUE, b'{"type":"POKE","actorId":"a","targetId":"b","postId":"c"}', "invalid", "must be one of LIKE"),
        (SOCIAL_QUEUE, b'{"type":"LIKE"}', "invalid", "type, actorId, targetId and postId are required"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_poison_goes_to_the_dead_letters_and_the_rest_goes_on(
    settings: Settings, rabbitmq: BlockingChannel, queue: str, body: bytes, reason: str, words: str
) -> None:
    before, after = str(uuid4()), str(uuid4())
    send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=before)
    send(rabbitmq, queue, body)
    send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=after)
    async with bridging(settings):
        letter = await letter_for(settings, body)
        await requests_for(settings, before)
        await requests_for(settings, after)
    assert (letter["reason"], letter["source"]) == (reason, {"name": queue})
    assert words in letter["error"]
    assert body.startswith(b64decode(letter["original"]))
    assert (letter["size"], letter.get("truncated", False)) == (len(body), len(body) > 256 * 1024)
    assert left(rabbitmq) == 0


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("an id that is not UTF-8", b"\x00\x80" + b"\x01\xff"),
        ("a time in the year 50,000", b"\x00\x40" + (2**62).to_bytes(8, "big")),
    ],
)
async def test_properties_that_break_the_rules_do_not_stop_the_queue(
    settings: Settings, rabbitmq: BlockingChannel, name: str, properties: bytes
) -> None:
    after, body = str(uuid4()), json.dumps(EMAIL | {"message": f"{name} {uuid4()}"}).encode()
    producer = await connect(settings.rabbitmq_url)
    await producer.publish(JOBS_QUEUE, Envelope("", properties), body)
    await producer.close()
    send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=after)
    async with bridging(settings):
        await requests_for(settings, after)
        letter = await letter_for(settings, body)
    assert (letter["reason"], b64decode(letter["original"])) == ("undecodable", body)


async def test_a_redelivery_past_the_horizon_is_too_old_to_tell(settings: Settings, rabbitmq: BlockingChannel) -> None:
    young, old, now = str(uuid4()), {"message": str(uuid4())}, datetime.now(UTC).timestamp()
    stale = round(now - settings.id_horizon - 60)
    body = send(rabbitmq, JOBS_QUEUE, EMAIL | old, timestamp=stale)
    send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=young, timestamp=round(now - 60))
    for _ in range(2):
        rabbitmq.basic_get(JOBS_QUEUE)
    rabbitmq.basic_nack(0, multiple=True, requeue=True)
    first = str(uuid4())
    send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=first, timestamp=stale)
    async with bridging(settings):
        letter = await letter_for(settings, body)
        await requests_for(settings, young)
        await requests_for(settings, first)
    assert letter["reason"] == "too-old"


CRASH_BETWEEN_THE_ACKS = """
import asyncio, os, sys
from streams import bridge
from streams.kafka.publisher import Publisher
from streams.settings import Settings
from streams.health.vitals import Vitals

publish = Publisher.publish

async def publish_and_die(*arguments, **options):
    await publish(*arguments, **options)
    os._exit(9)

Publisher.publish = publish_and_die
asyncio.run(bridge.run(Settings.model_validate_json(sys.argv[1]), asyncio.Event(), Vitals()))
"""


async def test_a_crash_between_kafkas_ack_and_rabbitmqs_makes_two_records_with_one_id(
    settings: Settings, rabbitmq: BlockingChannel
) -> None:
    name = str(uuid4())
    send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=name)
    urls = settings.model_dump_json(include={"kafka_url", "rabbitmq_url"})
    command = [sys.executable, "-c", CRASH_BETWEEN_THE_ACKS, urls]
    crashed = await asyncio.to_thread(subprocess.run, command, timeout=SECONDS, check=False)
    assert crashed.returncode == 9
    async with bridging(settings):
        records = await requests_for(settings, name, 2)
    assert left(rabbitmq) == 0
    assert len({requested(record).id for record in records}) == 1
    assert len(records) == 2


async def test_while_kafka_is_away_nothing_is_acknowledged_and_stopping_gives_it_back(
    settings: Settings, rabbitmq: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "PATIENCE", 0.3)
    names = [str(uuid4()) for _ in range(3)]
    for name in names:
        send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=name)
    async with bridging(settings.model_copy(update={"kafka_url": "kafka://127.0.0.1:1"})):
        assert await comes_to(rabbitmq, 0)
        await asyncio.sleep(1)
    assert await comes_to(rabbitmq, 3)
    async with bridging(settings):
        for name in names:
            assert len(await requests_for(settings, name)) == 1


async def test_a_lost_connection_to_rabbitmq_is_made_again(
    settings: Settings, rabbitmq: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = str(uuid4()), str(uuid4())
    crossings: list[bridge.Crossing] = []
    carry = bridge.Crossing.carry

    async def noted(crossing: bridge.Crossing) -> None:
        crossings.append(crossing)
        await carry(crossing)

    monkeypatch.setattr(bridge.Crossing, "carry", noted)
    async with bridging(settings):
        send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=first)
        await requests_for(settings, first)
        crossings[0]._connection.abort("by the test")
        send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=second)
        await requests_for(settings, second)
    assert len(crossings) == 2
    assert left(rabbitmq) == 0


async def test_what_meets_a_bug_of_ours_is_set_aside(
    settings: Settings, rabbitmq: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = str(uuid4())

    def buggy(message: Message, received: datetime, settings: Settings, names: Names) -> Event[Requested]:
        if b"bug" in message.body:
            raise ZeroDivisionError("a bug")
        return rules.requested(message, received, settings, names)

    monkeypatch.setattr(records, "requested", buggy)
    body = send(rabbitmq, JOBS_QUEUE, EMAIL | {"message": f"bug {after}"})
    send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=after)
    async with bridging(settings):
        await requests_for(settings, after)
        letter = await letter_for(settings, body)
    assert (letter["reason"], letter["error"]) == ("rule-failed", "a bug")


async def test_stopping_finishes_what_was_taken(settings: Settings, rabbitmq: BlockingChannel) -> None:
    run = str(uuid4())
    for number in range(200):
        send(rabbitmq, JOBS_QUEUE, EMAIL, message_id=f"{run}-{number}")
    async with bridging(settings):
        await requests_for(settings, f"{run}-0")
    records = await read(settings.kafka_url, REQUESTS)
    carried = [name for record in records if (name := codec.decode(record.value).notification).startswith(run)]
    assert len(carried) == len(set(carried))
    assert len(carried) + left(rabbitmq) == 200
