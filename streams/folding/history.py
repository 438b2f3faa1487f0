"""Whether a processor has worked on this log before: what it wrote there tells, whatever became of its own memory."""

from collections.abc import Callable, Iterable
from contextlib import aclosing

from aiokafka import TopicPartition

from streams.codec import Undecodable, UnknownType, decode
from streams.events import Body, Event
from streams.folding.counts import Counts
from streams.kafka.offsets import opened
from streams.kafka.topic_reading import records
from streams.topics import EVENTS


async def holds(url: str, partitions: Iterable[int], wanted: Callable[[Event[Body]], bool], counts: Counts) -> bool:
    """Whether these partitions of the log hold such an event; reads, and counts, no further than to the first one."""
    async with opened(url) as offsets:
        extents = await offsets.extents(TopicPartition(EVENTS, number) for number in partitions)
    async with aclosing(records(url, extents)) as batches:
        async for batch in batches:
            counts.loaded += len(batch)
            if any(_is(record.value, wanted) for record in batch):
                return True
    return False


def _is(value: bytes | None, wanted: Callable[[Event[Body]], bool]) -> bool:
    try:
        return wanted(decode(value))
    except (Undecodable, UnknownType):
        return False
