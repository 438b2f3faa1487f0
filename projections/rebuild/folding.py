"""A log read on from where a copy is, into a projector: here, or several partitions at once in other processes."""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from projections.again import again
from projections.copies.layers import Projector
from projections.mongo.connection import database
from projections.position import LogIdentity
from projections.processes import ALONE, Told, in_processes
from projections.projectors import log_projector
from streams.exits import Refused
from streams.kafka.consuming import plain_consumer
from streams.record import Record
from streams.settings import Settings

AT_ONCE = 20_000
"""Records of a batch, at most: most notifications then come and end within one, and are written once."""
FETCHED = 4 * 1024 * 1024
"""Bytes of a partition that are asked for at once."""
IDLE_MS = 200
PATIENCE = 10.0
"""Seconds to wait for MongoDB."""


class Silent:
    """Where dead letters go of what the live copy has folded: it has told of them."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Nothing."""


class Fold:
    """Reads these partitions for the projector. `count` is how many records it took in."""

    def __init__(self, url: str, projector: Projector, places: Collection[TopicPartition]) -> None:
        self._url, self._projector, self._places = url, projector, places
        self._next: dict[TopicPartition, int] = {}
        self.count = 0

    async def run(self, ends: Mapping[TopicPartition, int] | None = None, told: Told = lambda _: None) -> None:
        """Up to these offsets (exclusive), or for ever. Servers that are away are waited for.

        Raises `Refused` if the log lacks records that were not folded yet, or does not belong to the copy.
        """
        consumer = plain_consumer(
            self._url, max_partition_fetch_bytes=FETCHED, fetch_max_bytes=2 * FETCHED, fetch_max_wait_ms=IDLE_MS
        )
        await consumer.start()
        try:
            await again(lambda got_on: self._run(consumer, ends, told, got_on), asyncio.sleep)
        finally:
            await consumer.stop()

    async def _run(
        self,
        consumer: AIOKafkaConsumer,
        ends: Mapping[TopicPartition, int] | None,
        told: Told,
        got_on: Callable[[], None],
    ) -> None:
        self._next = await self._projector.open([place.partition for place in self._places])
        consumer.assign(list(self._next))
        for place, offset in self._next.items():
            consumer.seek(place, offset)
        while ends is None or any(self._next[place] < end for place, end in ends.items()):
            batches = await _taken(consumer)
            if records := [one for place, batch in batches.items() for one in self._wanted(place, batch, ends)]:
                await self._projector.project(records)
                self.count += len(records)
                told(self.count)
                got_on()

    def _wanted(
        self, place: TopicPartition, batch: list[ConsumerRecord], ends: Mapping[TopicPartition, int] | None
    ) -> list[ConsumerRecord]:
        if batch[0].offset != self._next[place] or batch[-1].offset != batch[0].offset + len(batch) - 1:
            raise Refused(f"{place.topic}[{place.partition}] lacks records from offset {self._next[place]} on")
        wanted = batch if ends is None else batch[: max(ends[place] - batch[0].offset, 0)]
        self._next[place] = batch[-1].offset + 1
        return wanted


async def _taken(consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[ConsumerRecord]]:
    try:
        batches: dict[TopicPartition, list[ConsumerRecord]] = await consumer.getmany(
            timeout_ms=IDLE_MS, max_records=AT_ONCE
        )
    except OffsetOutOfRangeError as error:
        raise Refused(f"the log has lost records that a copy needs: nothing at {error.args[0]}") from error
    return batches


class Task(NamedTuple):
    """Partitions of the log that are to be folded into these copies, by read model, up to these offsets (exclusive)."""

    settings: Settings
    names: dict[str, str]
    identity: LogIdentity
    ends: dict[TopicPartition, int]


async def fold_history(task: Task, told: Told) -> int:
    """Partitions are shared out among as many processes as there are cores, if there is enough to do."""
    cores = min(os.cpu_count() or 1, len(task.ends))
    if cores < 2 or sum(task.ends.values()) <= ALONE:  # noqa: PLR2004 - a process of its own gains nothing
        return await fold_part(task, told)
    parts = [dict(list(task.ends.items())[number::cores]) for number in range(cores)]
    return sum(await in_processes(fold_part, [task._replace(ends=part) for part in parts], told))


async def fold_part(task: Task, told: Told) -> int:
    """All of it here; how many records."""
    async with database(task.settings, patience=PATIENCE) as base:
        projector = log_projector(base, task.names, Silent(), task.identity, fresh=True)
        fold = Fold(task.settings.kafka_url, projector, task.ends.keys())
        await fold.run(task.ends, told)
    return fold.count
