"""Redriving on a real Kafka and RabbitMQ: what goes back is what it was, and each step is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from unittest.mock import AsyncMock
from uuid import uuid4

import pika
import pytest
from aiokafka import ConsumerRecord
from pika.adapters.blocking_connection import BlockingChannel

from streams import bridge, codec, operations
from streams.events import Event, Personal, Request, Requested
from streams.health.vitals import Vitals
from streams.intake import records as intake_records
from streams.intake.requests import Message
from streams.kafka.publisher import Publisher
from streams.letters import redriving
from streams.letters.dead_letters import KEPT_WHOLE, Source, dead_letter, read
from streams.letters.redrive import RedriveRefused
from streams.letters.redriving import UNDROPPED, UNSURE, UNTOLD, Desk, Missing, Order, Words
from streams.operations import Dropped, Redriven
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, JOBS_QUEUE, OPERATIONS, REQUESTS, SOCIAL_QUEUE
from tests.support import kafka
from tests.support.broker import frozen
from tests.support.queues import emptied
from tests.support.working import working

SECONDS = 60
CLOSED_WITHIN = 20
"""Long for letting go of connections; a broker that is away would be waited for for ever."""
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def bridging(settings: Settings) -> AbstractAsyncContextManager[None]:
    return working(lambda stopping: bridge.run(settings, stopping, Vitals()))


@pytest.fixture
async def desk(declared: Settings) -> AsyncIterator[Desk]:
    async with Desk.open(declared, Words("ada", "mended")) as opened:
        yield opened


@pytest.fixture
def rabbitmq(declared: Settings) -> Iterator[BlockingChannel]:
    """An independent producer; both queues are empty."""
    with emptied(declared.rabbitmq_url, JOBS_QUEUE, SOCIAL_QUEUE) as channel:
        yield channel


async def written(settings: Settings, source: Source, body: bytes) -> Order:
    """A letter that is on the topic, after others."""
    record = dead_letter(reason="rule-failed", stage="admit", error="bug", source=source, key=b"k", body=body, time=NOW)
    publisher = Publisher(settings.kafka_url)
    await publisher.start()
    await publisher.publish([record])
    await publisher.stop()
    return await order_of(settings, record.id)


async def order_of(settings: Settings, letter: str) -> Order:
    records = await until(settings, DEAD_LETTERS, lambda record: record.key == letter.encode())
    return Order(letter, records[-1].offset)


async def until(
    settings: Settings, topic: str, wanted: Callable[[ConsumerRecord], bool], count: int = 1
) -> list[ConsumerRecord]:
    """The records that are wanted, when there are so many."""
    async with asyncio.timeout(SECONDS):
        records = await kafka.read_until(settings.kafka_url, topic, lambda records: sum(map(wanted, records)) >= count)
    return [record for record in records if wanted(record)]


async def told(settings: Settings, letter: str) -> list[operations.Operation]:
    """What was done about a letter, as the operations tell."""
    events = [operations.read(record.value) for record in await kafka.read(settings.kafka_url, OPERATIONS)]
    about = [event for event in events if getattr(event.done, "letter", None) == letter]
    assert all((event.by, event.why, event.source) == ("ada", "mended", "cli") for event in about)
    return [event.done for event in about]


def request(name: str) -> bytes:
    body = Requested(Request("email", "k", 5, Personal("ada@example.org", "hello")))
    return codec.encode(Event(body, name, NOW, "bridge", name))


async def test_a_record_is_put_back_into_its_partition_with_its_id_and_the_log_is_told(
    declared: Settings, desk: Desk
) -> None:
    name = str(uuid4())
    order = await written(declared, Source(REQUESTS, 2, int(uuid4()) >> 70), request(name))
    await desk.redrive(order)
    (record,) = await until(declared, REQUESTS, lambda record: record.value == request(name))
    assert (record.partition, record.key, dict(record.headers)["id"].decode()) == (2, b"k", f"{name}:requested:0")
    assert await told(declared, order.letter) == [Redriven(*order, REQUESTS, 2, record.offset)]


async def test_a_message_that_met_a_bug_is_taken_after_a_redrive_as_what_it_was(
    declared: Settings, desk: Desk, rabbitmq: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(uuid4())
    body = json.dumps({"type": "email", "recipient": "ada@example.org", "message": "hello"}).encode()

    def buggy(message: Message, received: datetime, settings: Settings) -> Event[Requested]:
        raise ZeroDivisionError(f"a bug in {message}, {received}, {settings.worker}")

    properties = pika.BasicProperties(message_id=name, correlation_id="story", app_id="shop", delivery_mode=2)
    with monkeypatch.context() as patch:
        patch.setattr(intake_records, "requested", buggy)
        rabbitmq.basic_publish("", JOBS_QUEUE, body, properties)
        async with bridging(declared):
            (letter,) = await until(declared, DEAD_LETTERS, lambda record: f'"{name}"'.encode() in record.value)
    order = Order(read(letter.value).id, letter.offset)
    await desk.redrive(order)
    async with bridging(declared):
        (record,) = await until(declared, REQUESTS, lambda record: name.encode() in record.value)
    event = codec.decode(record.value)
    assert (event.notification, event.correlation) == (name, "story")
    assert await told(declared, order.letter) == [Redriven(*order, JOBS_QUEUE)]


async def test_a_crash_after_the_original_was_put_back_leads_to_the_same_record_twice(
    declared: Settings, desk: Desk
) -> None:
    name = str(uuid4())
    order = await written(declared, Source(REQUESTS, 1, int(uuid4()) >> 70), request(name))
    await desk.put_back(order)
    assert await told(declared, order.letter) == []
    await desk.redrive(order)
    records = await until(declared, REQUESTS, lambda record: record.value == request(name), 2)
    assert len({(record.partition, record.key, tuple(record.headers)) for record in records}) == 1
    assert len(await told(declared, order.letter)) == 1


async def test_a_dropped_letter_stays_and_the_log_is_told(declared: Settings, desk: Desk) -> None:
    order = await written(declared, Source(REQUESTS, 0, int(uuid4()) >> 70), b"spam")
    await desk.drop(order)
    assert await told(declared, order.letter) == [Dropped(*order)]
    assert (await desk.original(order)).id == order.letter


async def test_what_was_too_large_to_keep_is_refused_and_nothing_is_told(declared: Settings, desk: Desk) -> None:
    order = await written(declared, Source(REQUESTS, 0, int(uuid4()) >> 70), b"x" * (KEPT_WHOLE + 1))
    with pytest.raises(RedriveRefused, match="too many to keep"):
        await desk.redrive(order)
    assert await told(declared, order.letter) == []


async def test_a_letter_that_is_not_where_it_should_be_is_not_taken_for_another(declared: Settings, desk: Desk) -> None:
    first = await written(declared, Source(REQUESTS, 0, int(uuid4()) >> 70), b"a")
    second = await written(declared, Source(REQUESTS, 0, int(uuid4()) >> 70), b"b")
    with pytest.raises(Missing, match="expected dead:notification-requests"):
        await desk.redrive(Order(first.letter, second.offset))
    assert (await desk.original(first)).id == first.letter


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """The URL of a broker that never says a word."""
    heard: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(lambda _, writer: heard.append(writer), "127.0.0.1", 0) as server:
        yield f"kafka://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in heard:
            writer.close()
            await writer.wait_closed()


async def test_a_kafka_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redriving, "SECONDS", 0.3)
    async with deaf() as url:
        with pytest.raises(TimeoutError, match=r"Kafka did not answer within 0\.3 s"):
            async with Desk.open(Settings(kafka_url=url), Words("ada", "mended")):
                pytest.fail("it is open")


async def test_a_letter_that_could_not_be_read_is_in_no_doubt(
    declared: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await written(declared, Source(REQUESTS, 0, int(uuid4()) >> 70), b"a")
    async with AsyncExitStack() as opened:
        desk = await opened.enter_async_context(Desk.open(declared, Words("ada", "mended")))
        monkeypatch.setattr(redriving, "SECONDS", 1.0)
        async with frozen(declared.kafka_url):
            with pytest.raises(TimeoutError, match="Kafka did not answer"):
                await desk.redrive(order)
            await asyncio.wait_for(opened.aclose(), CLOSED_WITHIN)
    assert desk.unsure == {}
    assert await told(declared, order.letter) == []


async def test_what_a_silent_kafka_leaves_in_doubt_is_told_and_mended_by_doing_it_again(
    declared: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(uuid4())
    order = await written(declared, Source(REQUESTS, 3, int(uuid4()) >> 70), request(name))
    dropped = await written(declared, Source(REQUESTS, 0, int(uuid4()) >> 70), b"spam")
    async with AsyncExitStack() as opened:
        telling, dropping, putting = [
            await opened.enter_async_context(Desk.open(declared, Words("ada", "mended"))) for _ in range(3)
        ]
        done = await telling.put_back(order)
        report = await putting.original(order)
        for desk in dropping, putting:
            await desk._producer.connect()
        monkeypatch.setattr(redriving, "SECONDS", 1.0)
        async with frozen(declared.kafka_url):
            with pytest.raises(TimeoutError, match="Kafka did not answer"):
                await telling.tell(done)
            assert telling.unsure == {order.letter: UNTOLD}
            with pytest.raises(TimeoutError, match="Kafka did not answer"):
                await dropping.drop(dropped)
            assert dropping.unsure == {dropped.letter: UNDROPPED}
            with monkeypatch.context() as read_before:
                read_before.setattr(putting, "original", AsyncMock(return_value=report))
                with pytest.raises(TimeoutError, match="Kafka did not answer"):
                    await putting.put_back(order)
            assert putting.unsure == {order.letter: UNSURE}
            with pytest.raises(TimeoutError, match="Kafka did not answer"):
                await putting.drop(dropped)  # it has no connection any more, so that nothing can have been written
            assert putting.unsure == {order.letter: UNSURE}
            await asyncio.wait_for(opened.aclose(), CLOSED_WITHIN)
    monkeypatch.setattr(redriving, "SECONDS", SECONDS)
    async with Desk.open(declared, Words("ada", "mended")) as desk:
        await desk.redrive(order)
        await desk.drop(dropped)
        assert desk.unsure == {}
    records = await until(declared, REQUESTS, lambda record: record.value == request(name), 2)
    assert len({(record.partition, record.key, tuple(record.headers)) for record in records}) == 1
    assert {type(one) for one in await told(declared, order.letter)} == {Redriven}
    assert set(await told(declared, dropped.letter)) == {Dropped(*dropped)}
