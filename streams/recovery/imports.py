"""Which part of the log is another system's history, as `notification-operations` tells."""

from contextlib import aclosing

from aiokafka import TopicPartition

from streams import operations
from streams.codec import Undecodable
from streams.kafka.offsets import opened
from streams.kafka.topic_reading import records
from streams.operations import LogImported
from streams.topics import OPERATIONS


async def at_rest(url: str) -> dict[int, int]:
    """By partition of the log: the offset below which nobody acts on it. Raises aiokafka's errors."""
    async with opened(url) as offsets:
        extents = await offsets.extents([TopicPartition(OPERATIONS, 0)])
    rest: dict[int, int] = {}
    async with aclosing(records(url, extents)) as batches:
        async for batch in batches:
            for record in batch:
                rest |= _told(record.value)
    return rest


def _told(value: bytes | None) -> dict[int, int]:
    try:
        done = operations.read(value).done
    except Undecodable:
        return {}
    return done.until if isinstance(done, LogImported) else {}
