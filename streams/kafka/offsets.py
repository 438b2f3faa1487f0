"""What the broker knows of offsets: where partitions begin and end, what groups have committed, who is in them.

An edge without state. Every method raises aiokafka's errors; `waiting.waited_out` waits for a broker that is away.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupIdNotFound,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest

from streams.kafka.bootstrap import bootstrap
from streams.kafka.consuming import plain_consumer

PAUSE = 0.1
"""Seconds before a question is asked again."""
COORDINATOR_MOVES = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)
AnswerT = TypeVar("AnswerT")


class Extent(NamedTuple):
    """The first offset that is still there, and the one after the last."""

    first: int
    end: int


class Offsets:
    """Questions to the broker, and the few changes that a repair needs; see `opened`."""

    def __init__(self, url: str, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._url, self._consumer, self._admin = url, consumer, admin

    async def extents(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, Extent]:
        """Where partitions begin and end."""
        if not (wanted := list(places)):
            return {}
        first = await self._consumer.beginning_offsets(wanted)
        end = await self._consumer.end_offsets(wanted)
        return {place: Extent(first[place], end[place]) for place in wanted}

    async def at(self, places: Iterable[TopicPartition], time: int) -> dict[TopicPartition, int | None]:
        """The first records that were written at a time (in milliseconds since 1970) or later; None if none was."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(places, time))
        return {place: None if known is None else known.offset for place, known in found.items()}

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """What a group has committed; a partition without a commit is left out.

        Trap: the admin client's own method takes a coordinator that is still loading for a group without commits.
        """
        return await _coordinated(lambda: self._committed(group))

    async def _committed(self, group: str) -> dict[TopicPartition, int]:
        answer = await self._admin._send_request(  # noqa: SLF001
            OffsetFetchRequest(group, None), await self._admin.find_coordinator(group)
        )
        found = [(topic, *partition) for topic, partitions in answer.topics for partition in partitions]
        for code in (answer.error_code, *(code for *_, code in found)):
            if code:
                raise for_code(code)(f"the offsets of group {group} can't be read")
        return {TopicPartition(topic, number): offset for topic, number, offset, *_ in found if offset >= 0}

    async def members(self, group: str) -> int:
        """How many members a group has. A static one that was stopped counts until its session times out."""
        return await _coordinated(lambda: self._members(group))

    async def _members(self, group: str) -> int:
        (answer,) = await self._admin.describe_consumer_groups([group])
        code, _group, _state, _type, _protocol, members, *_ = answer.groups[0]
        if code not in (0, GroupIdNotFound.errno):
            raise for_code(code)(f"group {group} can't be described")
        return len(members)

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit for a group from outside. The broker refuses it (`CommitFailedError` and others) if it has members."""
        if not offsets:
            return
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(self._url), group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign(list(offsets))
            await consumer.commit(dict(offsets))
        finally:
            await consumer.stop()

    async def delete_before(self, place: TopicPartition, offset: int) -> None:
        """Remove a partition's records below this offset for good."""
        await self._admin.delete_records({place: RecordsToDelete(offset)})


async def _coordinated(ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
    """Asks again while the group's coordinator is moving or loading: then nobody can tell."""
    while True:
        with suppress(*COORDINATOR_MOVES):
            return await ask()
        await asyncio.sleep(PAUSE)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Offsets]:
    """Connections for as long as they are needed."""
    consumer = plain_consumer(url)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(url))
    try:
        await consumer.start()
        await admin.start()
        yield Offsets(url, consumer, admin)
    finally:
        await admin.close()
        await consumer.stop()
