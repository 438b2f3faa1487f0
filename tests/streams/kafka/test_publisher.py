import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest

from streams.kafka.bootstrap import bootstrap
from streams.kafka.publisher import Late, Publisher
from streams.record import ENVELOPE_BYTES, Oversized, Record
from streams.settings import Settings
from streams.topics import MAX_RECORD_BYTES, partition_for
from tests.support.broker import declare, frozen
from tests.support.kafka import read
from tests.support.runtime import Runtime

PARTITIONS = 3


@pytest.fixture
async def topic(servers: Settings) -> str:
    name = f"published-{uuid.uuid4().hex[:8]}"
    await declare(servers.kafka_url, name, partitions=PARTITIONS)
    return name


@pytest.fixture
async def publisher(servers: Settings) -> AsyncIterator[Publisher]:
    made = Publisher(servers.kafka_url)
    await made.start()
    yield made
    await made.stop()


def numbered(topic: str, numbers: Sequence[int], key: bytes = b"k") -> list[Record]:
    return [Record(topic, key, b"%d" % number, id=str(number)) for number in numbers]


def test_an_address_names_one_broker_or_several() -> None:
    assert bootstrap("kafka://a:1") == ["a:1"]
    assert bootstrap("kafka://a:1,b:2/") == ["a:1", "b:2"]
    with pytest.raises(ValueError, match="KAFKA_URL"):
        bootstrap("localhost:9092")


async def test_records_arrive_whole_where_their_key_belongs(
    servers: Settings, publisher: Publisher, topic: str
) -> None:
    keyed = [Record(topic, b"key%d" % number, b"v%d" % number, id=f"id{number}") for number in range(20)]
    placed, grave = Record(topic, b"placed", b"v", 2), Record(topic, b"key1", None, 1, "at")
    await publisher.publish([*keyed, placed, grave])
    came = {
        (record.partition, record.key, record.value, record.headers) for record in await read(servers.kafka_url, topic)
    }
    expected = {
        (partition_for(record.key or b"", PARTITIONS), record.key, record.value, (("id", record.id.encode()),))
        for record in keyed
    }
    assert came == expected | {(2, b"placed", b"v", ()), (1, b"key1", None, (("id", b"at"),))}


async def test_calls_of_many_tasks_keep_their_order(servers: Settings, publisher: Publisher, topic: str) -> None:
    await asyncio.gather(*(publisher.publish(numbered(topic, range(at, at + 5))) for at in range(0, 500, 5)))
    assert [int(record.value) for record in await read(servers.kafka_url, topic)] == list(range(500))


async def test_the_largest_record_goes_through_and_a_larger_one_stops_its_whole_call(
    servers: Settings, publisher: Publisher, topic: str
) -> None:
    largest = Record(topic, b"k", b"x" * (MAX_RECORD_BYTES - ENVELOPE_BYTES - 1 - 4), id="1")
    await publisher.publish([largest, largest])
    with pytest.raises(Oversized, match="record 'big'"):
        await publisher.publish([Record(topic, b"k", b"small"), largest._replace(id="big")])
    assert len(await read(servers.kafka_url, topic)) == 2


async def test_nothing_to_publish_is_published_at_once(publisher: Publisher) -> None:
    await publisher.publish([])


async def test_what_is_late_is_not_sent_afterwards_and_the_others_wait_for_the_broker(
    servers: Settings, publisher: Publisher, topic: str, runtime: Runtime
) -> None:
    await publisher.publish(numbered(topic, [0]))
    async with frozen(servers.kafka_url):
        waiting = [asyncio.create_task(publisher.publish(numbered(topic, [number]))) for number in (1, 2)]
        await asyncio.sleep(0)
        begun = runtime()
        late = asyncio.create_task(publisher.publish(numbered(topic, [-1]), within=0.3))
        waiting.append(asyncio.create_task(publisher.publish(numbered(topic, [3]))))
        with pytest.raises(Late, match=r"1 records within 0\.3 s"):
            await late
        assert runtime() - begun < 3
        assert not any(task.done() for task in waiting)
    await asyncio.gather(*waiting)
    came = [int(record.value) for record in await read(servers.kafka_url, topic)]
    assert list(dict.fromkeys(came)) == [0, 1, 2, 3]


async def test_taking_back_a_call_that_is_being_written_writes_the_others_again(
    servers: Settings, publisher: Publisher, topic: str
) -> None:
    await publisher.publish(numbered(topic, [0]))
    async with frozen(servers.kafka_url):
        late = asyncio.create_task(publisher.publish(numbered(topic, [1]), within=0.3))
        other = asyncio.create_task(publisher.publish(numbered(topic, [2])))
        with pytest.raises(Late):
            await late
    await other
    await publisher.publish(numbered(topic, [3]))
    came = [int(record.value) for record in await read(servers.kafka_url, topic)]
    assert list(dict.fromkeys(number for number in came if number != 1)) == [0, 2, 3]


async def test_a_cancelled_call_does_not_hold_up_the_others(
    servers: Settings, publisher: Publisher, topic: str
) -> None:
    task = asyncio.create_task(publisher.publish(numbered(topic, [0])))
    await asyncio.sleep(0)
    task.cancel()
    await publisher.publish(numbered(topic, [1]))
    assert int((await read(servers.kafka_url, topic))[-1].value) == 1


async def test_a_publisher_starts_and_stops_without_a_broker() -> None:
    publisher = Publisher("kafka://127.0.0.1:1")
    await publisher.start()
    with pytest.raises(Late):
        await publisher.publish([Record("topic", b"k", b"v")], within=0.3)
    assert publisher.away_since is not None
    await publisher.stop()
