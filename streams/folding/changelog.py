"""Changelog partitions in, shards of the table out.

Read by a plain consumer of our own, from the beginning to the end as it was when reading began. Trap: Faust's recovery
is not used: it reads 7,000-14,000 records a second, a few races in it drop records around a rebalance, and it reads
partitions again that were never lost.
"""

from collections.abc import Callable, Iterable
from typing import Generic

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.exits import Refused
from streams.folding.counts import Counts
from streams.folding.position import REBUILD
from streams.folding.rule import StateT
from streams.folding.table import Rows, Shard
from streams.kafka.consuming import plain_consumer
from streams.kafka.waiting import waited_out

FETCHED_AT_ONCE = 2000
"""Records; the event loop runs other tasks in between."""


class Changelog(Generic[StateT]):
    """The changelog topic of one table; what is read is counted as it comes."""

    def __init__(self, url: str, rows: Rows[StateT], counts: Counts) -> None:
        self._url, self._rows, self._counts = url, rows, counts

    async def read(self, partitions: Iterable[int], wanted: Callable[[], bool]) -> dict[int, Shard[StateT]]:
        """The shards of these partitions; gives up, with what it has, as soon as they are no longer `wanted`."""
        if not (numbers := list(partitions)):
            return {}
        return await waited_out(lambda: self._read(numbers, wanted), wanted)

    async def _read(self, partitions: list[int], wanted: Callable[[], bool]) -> dict[int, Shard[StateT]]:
        shards = {partition: Shard(self._rows, partition) for partition in partitions}
        consumer = plain_consumer(self._url)
        try:
            await consumer.start()
            await self._fill(consumer, shards, wanted)
        finally:
            await consumer.stop()
        return shards

    async def _fill(
        self, consumer: AIOKafkaConsumer, shards: dict[int, Shard[StateT]], wanted: Callable[[], bool]
    ) -> None:
        places = [TopicPartition(self._rows.topic, partition) for partition in shards]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        while wanted() and (unread := [place for place in places if await consumer.position(place) < ends[place]]):
            fetched = await consumer.getmany(*unread, timeout_ms=500, max_records=FETCHED_AT_ONCE)
            for place, records in fetched.items():
                self._counts.loaded += len(records)
                shard = shards[place.partition]
                for record in records:
                    self._load(shard, record)

    def _load(self, shard: Shard[StateT], record: ConsumerRecord) -> None:
        try:
            shard.load(record.key, record.value, dict(record.headers).get("id", b"").decode())
        except (msgspec.DecodeError, ValueError, RecursionError) as error:  # passing over it could lose a state
            raise Refused(
                f"{record.topic}[{record.partition}], offset {record.offset}: expected a row of this table, got "
                f"{(record.value or b'')[:80]!r} under {record.key!r} ({error}): {REBUILD}"
            ) from error
