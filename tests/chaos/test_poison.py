"""A poison record on every topic and both queues under load: each becomes a dead letter, or is passed over."""

import asyncio
import json

import pika
import pytest
from aiokafka import AIOKafkaProducer

from deploy.declare import CHANGELOGS
from streams.kafka.bootstrap import bootstrap
from streams.topics import DEAD_LETTERS, EVENTS, JOBS_QUEUE, LANES, OPERATIONS, QUEUES, REQUESTS, SOCIAL_QUEUE
from tests.chaos.bed import RATE, Bed
from tests.chaos.beds import Beds
from tests.chaos.trial import Trial
from tests.support.kafka import read
from tests.support.stack import wait_until

pytestmark = pytest.mark.chaos
BROKEN_EVENT = {
    "id": "poison:sent:1",
    "source": "nobody",
    "type": "tidings.notification.sent.v1",
    "subject": "poison",
    "time": "2026-01-01T00:00:00Z",
    "correlationid": "poison",
    "tenant": "default",
    "data": {"dispatch": "one"},
}
FOREIGN_EVENT = BROKEN_EVENT | {"type": "somebody.else.v1", "data": {}}
POISON: list[bytes | None] = [
    b"\x00\xff\xfe poison",
    b"",
    None,
    b"[1, 2, 3]",
    b'{"data": ' * 2000,
    json.dumps(BROKEN_EVENT).encode(),
    json.dumps(FOREIGN_EVENT).encode(),
]
KEYS: list[bytes | None] = [b"poison", None, b"\xff\xfe"]
Keyed = tuple[bytes | None, bytes | None]
RECORDS: list[Keyed] = [(key, value) for value in POISON for key in KEYS if (key, value) != (None, None)]
"""aiokafka sends anything but nothing at all."""
READ_BY_ONE = (REQUESTS, *LANES)
QUEUED = [b"\x00\xff poison", b"", b"[]", b'{"type": "email"}', b'{"type": "LIKE"}', b'{"a": ' * 2000]


def test_poison_on_every_topic_and_queue(beds: Beds) -> None:
    bed = beds.get()
    with Trial(bed, "poison on every topic and both queues", RATE) as trial:
        asyncio.run(poison(bed, (REQUESTS, EVENTS, *LANES, DEAD_LETTERS, OPERATIONS)))
        publish(bed)
        expected = {topic: len(RECORDS) for topic in READ_BY_ONE} | {
            JOBS_QUEUE: len(QUEUED),
            SOCIAL_QUEUE: len(QUEUED),
        }
        wait_until(
            lambda: letters(bed).items() >= expected.items(), 60, lambda: f"expected {expected}, got {letters(bed)}"
        )
        trial.fault_ended()
    assert trial.row.harm == {}
    assert letters(bed)[EVENTS] >= len(RECORDS)


@pytest.mark.parametrize("kind", ["admit", "lifecycle"])
def test_poison_in_a_changelog_is_refused_when_it_is_read(beds: Beds, kind: str) -> None:
    bed = beds.get()
    [changelog] = [name for name in CHANGELOGS if name.startswith(kind)]
    with Trial(bed, f"poison in the changelog of {kind}, SIGKILL, `recover`", RATE) as trial:
        asyncio.run(poison(bed, (changelog,), [record for record in RECORDS if record[0] is not None]))
        bed.stack.kill(kind)
        bed.wait_for_refusal(kind, "expected a row")
        bed.stack.run("recover", kind)
        trial.fault_ended()
    assert trial.row.harm == {}


async def poison(bed: Bed, topics: tuple[str, ...], records: list[Keyed] = RECORDS) -> None:
    """All of these, to each of these topics; a compacted one takes none without a key."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap(bed.stack.settings.kafka_url), acks="all")
    await producer.start()
    try:
        for topic in topics:
            for key, value in records:
                await producer.send_and_wait(topic, value, key=key)
    finally:
        await producer.stop()


def publish(bed: Bed) -> None:
    """Bodies that are no requests, to both queues."""
    connection = pika.BlockingConnection(pika.URLParameters(bed.stack.settings.rabbitmq_url))
    try:
        for queue in QUEUES:
            for body in QUEUED:
                connection.channel().basic_publish("", queue, body)
    finally:
        connection.close()


def letters(bed: Bed) -> dict[str, int]:
    """How many dead letters there are, by where the original lay; a letter that came twice counts once."""
    sources: dict[str, str] = {}
    for record in asyncio.run(read(bed.stack.settings.kafka_url, DEAD_LETTERS)):
        if record.value is not None and record.value.startswith(b'{"id":"dead:'):
            letter = json.loads(record.value)
            sources[letter["id"]] = letter["data"]["source"]["name"]
    return {name: list(sources.values()).count(name) for name in set(sources.values())}
