"""Our AMQP connection against a real RabbitMQ: what it carries, and what it notices."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pika
import pytest
from pamqp import commands, frame
from pika.adapters.blocking_connection import BlockingChannel

from streams.intake import amqp_connection
from streams.intake.amqp import Connection, Lost, NotTaken, connect, keep_connected
from streams.intake.amqp_wire import FRAME_MAX, Delivery, decode_properties, persistent_json
from streams.settings import Settings

ENVELOPE = persistent_json("m1", "test", "time", 1)


@pytest.fixture
async def connection(servers: Settings) -> AsyncIterator[Connection]:
    connection = await connect(servers.rabbitmq_url)
    yield connection
    await connection.close()


@pytest.fixture
def other(servers: Settings) -> Iterator[BlockingChannel]:
    """An independent client."""
    with pika.BlockingConnection(pika.URLParameters(servers.rabbitmq_url)) as connection:
        yield connection.channel()


@pytest.fixture
def queue(other: BlockingChannel) -> Iterator[str]:
    name = f"test-{uuid4()}"
    yield name
    other.queue_delete(name)


@pytest.mark.parametrize("size", [0, 1, FRAME_MAX - 8, FRAME_MAX - 7, 1_000_000])
async def test_a_published_message_arrives_whole(
    connection: Connection, other: BlockingChannel, queue: str, size: int
) -> None:
    await connection.declare(queue)
    await connection.publish(queue, ENVELOPE, b"x" * size)
    _, properties, body = other.basic_get(queue, auto_ack=True)
    assert properties is not None
    assert (properties.message_id, properties.delivery_mode, body) == ("m1", 2, b"x" * size)


@pytest.mark.parametrize("size", [0, 1, FRAME_MAX - 8, FRAME_MAX - 7, 1_000_000])
async def test_a_delivered_message_arrives_whole(
    connection: Connection, other: BlockingChannel, queue: str, size: int
) -> None:
    await connection.declare(queue)
    other.basic_publish("", queue, b"x" * size, pika.BasicProperties(message_id="m1"))
    arrived: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
    await connection.consume(queue, arrived.set_result, 1)
    delivery = await arrived
    assert (delivery.consumer, delivery.tag, delivery.redelivered) == (queue, 1, False)
    assert (decode_properties(delivery.properties).message_id, delivery.body) == ("m1", b"x" * size)


async def test_publishes_of_many_tasks_are_confirmed_each(
    connection: Connection, other: BlockingChannel, queue: str
) -> None:
    await connection.declare(queue)
    await asyncio.gather(
        *(connection.publish(queue, persistent_json(str(n), "test", "time", n), b"") for n in range(500))
    )
    assert other.queue_declare(queue, durable=True).method.message_count == 500


async def test_what_is_not_acknowledged_comes_again(connection: Connection, servers: Settings, queue: str) -> None:
    await connection.declare(queue)
    for number in range(4):
        await connection.publish(queue, ENVELOPE, str(number).encode())
    deliveries: asyncio.Queue[Delivery] = asyncio.Queue()
    await connection.consume(queue, deliveries.put_nowait, 10)
    tags = [(await deliveries.get()).tag for _ in range(4)]
    connection.acknowledge(tags[1], multiple=True)
    connection.acknowledge(tags[3])
    await connection.close()
    second = await connect(servers.rabbitmq_url)
    await second.consume(queue, deliveries.put_nowait, 10)
    again = await deliveries.get()
    assert (again.body, again.redelivered, deliveries.empty()) == (b"2", True, True)
    await second.close()


async def test_nothing_is_delivered_after_consuming_was_stopped(
    connection: Connection, other: BlockingChannel, queue: str
) -> None:
    await connection.declare(queue)
    deliveries: list[Delivery] = []
    await connection.consume(queue, deliveries.append, 10)
    await connection.stop_consuming()
    other.basic_publish("", queue, b"late")
    await connection.declare(queue)  # a round trip
    assert deliveries == []


async def test_a_message_for_no_queue_is_not_taken_however_many_have_its_id(connection: Connection) -> None:
    outcomes = await asyncio.gather(
        *(connection.publish(f"no-{n}", ENVELOPE, b"") for n in range(3)), return_exceptions=True
    )
    assert [str(outcome) for outcome in outcomes] == ["NO_ROUTE"] * 3
    assert all(isinstance(outcome, NotTaken) for outcome in outcomes)


async def test_a_deleted_queue_ends_the_connection_of_its_consumer(
    connection: Connection, other: BlockingChannel, queue: str
) -> None:
    await connection.declare(queue)
    await connection.consume(queue, lambda _: None, 10)
    other.queue_delete(queue)
    assert await asyncio.wait_for(connection.gone, 30) == f"queue {queue} is gone"
    with pytest.raises(Lost):
        await connection.declare(queue)


async def test_a_queue_with_arguments_of_its_own_is_refused_with_rabbitmqs_words(
    connection: Connection, other: BlockingChannel, queue: str
) -> None:
    other.queue_declare(queue, durable=False)
    with pytest.raises(Lost, match="PRECONDITION_FAILED"):
        await connection.declare(queue)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("guest:guest@", "guest:wrong@"), "ACCESS_REFUSED"),
        (("/?", "/nowhere?"), "NOT_ALLOWED|not found"),
        (("127.0.0.1:", "127.0.0.1:1"), "Connect call failed|refused"),
    ],
)
async def test_a_connection_that_is_refused_says_why(servers: Settings, change: tuple[str, str], words: str) -> None:
    url = (servers.rabbitmq_url + "?").replace(*change).removesuffix("?")
    if "127.0.0.1:1" in change:
        url = "amqp://guest:guest@127.0.0.1:1/"
    with pytest.raises(Lost, match=words):
        await connect(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "127.0.0.1:5672", "amqp://"])
async def test_another_url_is_an_error_that_names_the_setting(url: str) -> None:
    with pytest.raises(ValueError, match="set RABBITMQ_URL"):
        await connect(url)


class Deaf:
    """Listens and never says a word; or hangs up at once."""

    def __init__(self, words: bytes | None) -> None:
        self._words = words

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._words is None:
            await reader.read()
        else:
            writer.write(self._words)
        writer.close()


@pytest.mark.parametrize("words", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"AMQP\x00\x01\x00\x00"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_whatever_else_listens_there_is_given_up(words: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.intake.amqp.CONNECT_TIMEOUT", 0.3)
    server = await asyncio.start_server(Deaf(words), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Lost, match=rf"no connection to 127\.0\.0\.1:{port}: \S"):
        await connect(f"amqp://127.0.0.1:{port}/")
    server.close()


async def test_while_rabbitmq_blocks_nothing_is_published(connection: Connection, queue: str) -> None:
    await connection.declare(queue)
    connection.data_received(frame.marshal(commands.Connection.Blocked("low on memory"), 0))
    publishing = asyncio.ensure_future(connection.publish(queue, ENVELOPE, b""))
    await connection.declare(queue)  # a round trip
    assert not publishing.done()
    connection.data_received(frame.marshal(commands.Connection.Unblocked(), 0))
    await asyncio.wait_for(publishing, 30)


async def test_a_full_buffer_that_empties_does_not_end_a_block(connection: Connection, queue: str) -> None:
    await connection.declare(queue)
    connection.data_received(frame.marshal(commands.Connection.Blocked("low on disk"), 0))
    connection.pause_writing()
    connection.resume_writing()
    assert connection.blocked == "low on disk"
    publishing = asyncio.ensure_future(connection.publish(queue, ENVELOPE, b""))
    await connection.declare(queue)
    assert not publishing.done()
    connection.data_received(frame.marshal(commands.Connection.Unblocked(), 0))
    await asyncio.wait_for(publishing, 30)
    assert connection.blocked is None


async def test_declaring_tells_how_many_messages_wait(connection: Connection, queue: str) -> None:
    assert await connection.declare(queue) == 0
    for _ in range(3):
        await connection.publish(queue, ENVELOPE, b"")
    assert await connection.declare(queue) == 3


async def test_a_nack_is_not_a_confirm(connection: Connection, queue: str) -> None:
    await connection.declare(queue)
    publishing = asyncio.ensure_future(connection.publish(queue, ENVELOPE, b""))
    await asyncio.sleep(0)
    connection.data_received(frame.marshal(commands.Basic.Nack(1), 1))
    with pytest.raises(NotTaken, match="could not store it"):
        await publishing


async def test_a_silent_peer_is_given_up(servers: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp_connection, "HEARTBEAT", 1)
    connection = await connect(servers.rabbitmq_url)
    try:
        assert not connection.gone.done()
        await connection.rest(3)
        assert await asyncio.wait_for(connection.gone, 30) == "nothing heard for 2 s"
    finally:
        await connection.close()


async def test_a_lost_connection_is_made_again_until_told_to_stop(servers: Settings) -> None:
    stopping = asyncio.Event()
    used = 0

    async def use(connection: Connection) -> None:
        nonlocal used
        used += 1
        if used == 3:
            stopping.set()
        connection.abort("by the test")
        raise Lost

    await asyncio.wait_for(keep_connected(servers.rabbitmq_url, stopping, use), 60)
    assert used == 3


async def test_any_other_error_is_not_swallowed(servers: Settings) -> None:
    async def use(_: Connection) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await keep_connected(servers.rabbitmq_url, asyncio.Event(), use)


async def test_while_rabbitmq_is_away_stopping_is_prompt(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.intake.amqp.FIRST_PAUSE", 3600.0)
    stopping = asyncio.Event()
    task = asyncio.create_task(keep_connected("amqp://127.0.0.1:1/", stopping, lambda _: asyncio.sleep(0)))
    async with asyncio.timeout(60):
        while "no RabbitMQ, next try" not in caplog.text:  # noqa: ASYNC110 - the log tells only who looks
            await asyncio.sleep(0.01)
    stopping.set()
    await asyncio.wait_for(task, 60)
