"""Reading and writing topics in tests with a plain client: what is really there, whatever our programs believe."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from streams import codec
from streams.events import Body, Event
from streams.kafka.bootstrap import bootstrap

Records = list[ConsumerRecord]


async def read(kafka_url: str, topic: str) -> Records:
    """All records that are on the topic now, in order per partition."""
    async with _assigned(kafka_url, topic) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        records: Records = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            records += await _more(consumer)
        return records


async def read_until(kafka_url: str, topic: str, enough: Callable[[Records], bool]) -> Records:
    """Read from the beginning until what was read is enough; the caller bounds the time."""
    async with _assigned(kafka_url, topic) as (consumer, _):
        records: Records = []
        while not enough(records):
            records += await _more(consumer)
        return records


async def write(kafka_url: str, topic: str, *records: tuple[bytes | None, bytes | None]) -> None:
    """Write (key, value) records, as any producer might."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap(kafka_url), acks="all", max_request_size=3_000_000)
    await producer.start()
    try:
        for key, value in records:
            await producer.send_and_wait(topic, value, key=key)
    finally:
        await producer.stop()


def events(records: Records, notification: str | None = None) -> list[Event[Body]]:
    """The decoded events, of one notification if named."""
    decoded = [codec.decode(record.value) for record in records]
    return [event for event in decoded if notification in (None, event.notification)]


@asynccontextmanager
async def _assigned(kafka_url: str, topic: str) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(kafka_url), enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer._client.set_topics([topic])  # otherwise it may not know the partitions yet
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        yield consumer, partitions
    finally:
        await consumer.stop()


async def _more(consumer: AIOKafkaConsumer) -> Records:
    return [record for batch in (await consumer.getmany(timeout_ms=200)).values() for record in batch]
