"""Records of topics from here to there, read fast and in order per partition, without a consumer group."""

from collections.abc import AsyncGenerator, Mapping
from typing import Literal

from aiokafka import ConsumerRecord, TopicPartition

from streams.kafka.consuming import plain_consumer
from streams.kafka.offsets import Extent

AT_ONCE = 4000
"""Records, at most."""
FETCHED = 4 * 1024 * 1024
"""Bytes of a partition asked for at once."""
PATIENCE_MS = 1000


async def records(
    url: str, extents: Mapping[TopicPartition, Extent], *, gaps: bool = True
) -> AsyncGenerator[list[ConsumerRecord], None]:
    """Batches of what lies in these extents.

    What retention has removed meanwhile is left out, or, without `gaps`, raises `OffsetOutOfRangeError`.
    """
    left = {place: extent for place, extent in extents.items() if extent.first < extent.end}
    if not left:
        return
    reset: Literal["earliest", "none"] = "earliest" if gaps else "none"
    consumer = plain_consumer(url, reset=reset, max_partition_fetch_bytes=FETCHED, fetch_max_bytes=2 * FETCHED)
    await consumer.start()
    try:
        consumer.assign(list(left))
        for place, extent in left.items():
            consumer.seek(place, extent.first)
        while left:
            batches = await consumer.getmany(*left, timeout_ms=PATIENCE_MS, max_records=AT_ONCE)
            for place, batch in batches.items():
                end = left[place].end
                yield batch if batch[-1].offset < end else [record for record in batch if record.offset < end]
            for place in list(left):
                if await consumer.position(place) >= left[place].end:
                    del left[place]
    finally:
        await consumer.stop()
