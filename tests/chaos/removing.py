"""Taking things away from a broker that nobody should: records, a group's offsets, a topic."""

import asyncio
import json
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DeleteGroupsRequest

from streams.kafka.bootstrap import bootstrap
from tests.support.broker import admin

NON_EMPTY_GROUP = 68
"""Kafka's code for a group that has members; aiokafka has no name for it."""
EMPTY_WITHIN = 60.0
"""Seconds until the broker notices that a static member is gone."""


async def committed(kafka_url: str, group: str, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """How far a group is in these topics."""
    async with admin(kafka_url) as client:
        offsets = await client.list_consumer_group_offsets(group)
    return {place: told.offset for place, told in offsets.items() if place.topic in set(topics) and told.offset >= 0}


async def unread(kafka_url: str, group: str, topics: Iterable[str], most: int) -> dict[TopicPartition, tuple[int, int]]:
    """Up to so many records that a group has not read, of each partition that has some: the first and the last + 1."""
    places = await committed(kafka_url, group, topics)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(kafka_url), enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(places))
    finally:
        await consumer.stop()
    return {
        place: (offset, min(offset + most, ends[place])) for place, offset in places.items() if offset < ends[place]
    }


async def subjects(kafka_url: str, parts: dict[TopicPartition, tuple[int, int]]) -> set[str]:
    """The notifications that the records in these ranges of offsets (the second exclusive) are about."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(kafka_url), enable_auto_commit=False)
    await consumer.start()
    found = set()
    try:
        for place, (first, until) in parts.items():
            consumer.assign([place])
            consumer.seek(place, first)
            while await consumer.position(place) < until:
                for record in (await consumer.getmany(timeout_ms=200)).get(place, []):
                    if record.offset < until:
                        found.add(str(json.loads(record.value)["subject"]))
    finally:
        await consumer.stop()
    return found


async def remove_records(kafka_url: str, before: dict[TopicPartition, int]) -> None:
    """As retention would, up to these offsets."""
    async with admin(kafka_url) as client:
        await client.delete_records({place: RecordsToDelete(offset) for place, offset in before.items()})


async def remove_group(kafka_url: str, group: str) -> None:
    """With all its offsets, as soon as it has no member."""
    async with admin(kafka_url) as client, asyncio.timeout(EMPTY_WITHIN):
        coordinator = await client.find_coordinator(group)
        while True:
            answer = await client._send_request(DeleteGroupsRequest([group]), coordinator)
            [(_, code)] = answer.results
            if code == 0:
                return
            if code != NON_EMPTY_GROUP:
                raise for_code(code)(group)
            await asyncio.sleep(0.5)


async def remove_topic(kafka_url: str, name: str) -> None:
    """Returns when the broker no longer knows it."""
    async with admin(kafka_url) as client:
        await client.delete_topics([name])
        while name in await client.list_topics():  # noqa: ASYNC110 - Kafka tells only who asks
            await asyncio.sleep(0.2)
