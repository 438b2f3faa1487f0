"""The records of deliver's lanes, from where its group had committed; past what retention removed only when told to.

A lane has no other memory of what was taken than the group's offsets. Where they are lost, or point to what is gone,
the reader refuses: from the beginning everything would be sent again.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError

from streams.delivery.calls import SOURCE
from streams.events import CHANNELS, LaneClass
from streams.kafka.consuming import group_consumer
from streams.kafka.gaps import pass_over, refuse_unless_accepted, resume
from streams.kafka.offsets import Extent, opened
from streams.kafka.publisher import Publisher
from streams.kafka.waiting import waited_out
from streams.settings import Settings
from streams.topics import LANE_CLASSES, deliver_group, lane


async def refuse_lost_places(settings: Settings) -> None:
    """Raises `Refused` for a lane that can't be taken up: before calls in others are begun, and cut off by leaving."""

    async def look() -> None:
        async with opened(settings.kafka_url) as offsets:
            for lane_class in LANE_CLASSES:
                group, names = deliver_group(lane_class), [lane(channel, lane_class) for channel in CHANNELS]
                places = [TopicPartition(name, number) for name in names for number in range(settings.partitions)]
                committed = await offsets.committed(group)
                for place, extent in (await offsets.extents(places)).items():
                    if gap := resume(group, place, committed.get(place), *extent):
                        refuse_unless_accepted(gap, accept=settings.accept_gaps)

    await waited_out(look)


class Tenure(ConsumerRebalanceListener):  # type: ignore[misc]
    """Partitions are given up between claims only, and `number` tells one tenure from the next.

    Trap: aiokafka sends a commit with the generation of the group as it is by then, and the broker does not look whose
    the partition is. Begun before a rebalance and sent after it, a claim would be granted to two workers, and would set
    the new one's offsets back. aiokafka rejoins only when this listener has let it.

    Trap: tenures are counted where one ends. From there on aiokafka gives nothing until partitions are assigned again,
    and a fetch that waited through it gives records of the new tenure, which nobody would fetch a second time.
    """

    def __init__(self) -> None:
        self.number = 0
        self.claiming = asyncio.Lock()

    async def on_partitions_revoked(self, _: set[TopicPartition]) -> None:
        """Before the group is joined again: what was fetched is void, a claim under way ends first."""
        self.number += 1
        async with self.claiming:
            pass

    def on_partitions_assigned(self, _: set[TopicPartition]) -> None:
        """The tenure begins that is counted already."""


class Fetched(NamedTuple):
    """Records, and the tenure that they were fetched in: in a later one they are somebody's, or fetched again."""

    tenure: int
    records: list[ConsumerRecord]


class Lost(NamedTuple):
    """Where it can't go on in a tenure, and from which offset it would; None if it does not know."""

    tenure: int
    offset: int | None


class LaneReader:
    """A member of the group of one class; `consumer` is for what needs no care."""

    def __init__(self, settings: Settings, lane_class: LaneClass, publisher: Publisher) -> None:
        self._settings, self._publisher = settings, publisher
        self._group = deliver_group(lane_class)
        self._lanes = [lane(channel, lane_class) for channel in CHANNELS]
        self.consumer = group_consumer(settings, self._group)
        self.tenure = Tenure()
        self._lost: dict[TopicPartition, Lost] = {}

    async def start(self) -> None:
        """Join the group."""
        self.consumer.subscribe(self._lanes, listener=self.tenure)
        await self.consumer.start()

    async def fetch(self, partitions: list[TopicPartition], limit: int, timeout_ms: int = 0) -> Fetched:
        """What waits; nothing where the place is lost, which `pass_gaps` sees to. May be cancelled."""
        batches: Mapping[TopicPartition, list[ConsumerRecord]] = {}
        try:
            batches = await self.consumer.getmany(*partitions, max_records=limit, timeout_ms=timeout_ms)
        except NoOffsetForPartitionError as error:
            self._lost[error.args[0]] = Lost(self.tenure.number, None)
        except OffsetOutOfRangeError as error:
            self._lost |= {place: Lost(self.tenure.number, offset) for place, offset in error.args[0].items()}
        return Fetched(self.tenure.number, [record for batch in batches.values() for record in batch])

    def held(self, fetched: Iterable[Fetched]) -> list[ConsumerRecord]:
        """Those of the tenure that lasts; to be asked while `tenure.claiming` is held."""
        return [record for one in fetched if one.tenure == self.tenure.number for record in one.records]

    async def pass_gaps(self) -> None:
        """Go on at the beginning of what is left, if told to, with the gap on record; raises `Refused` if not."""
        while self._lost:
            place, (tenure, offset) = self._lost.popitem()
            extent = await waited_out(partial(_extent, self._settings.kafka_url, place))
            gap = resume(self._group, place, offset, *extent, out_of_range=offset is not None)
            if gap is not None:
                await pass_over([gap], SOURCE, self._publisher, accept=self._settings.accept_gaps)
            await self._go_to(place, offset or 0 if gap is None else gap.until, tenure)

    async def _go_to(self, place: TopicPartition, offset: int, tenure: int) -> None:
        async with self.tenure.claiming:
            if tenure == self.tenure.number and place in self.consumer.assignment():
                self.consumer.seek(place, offset)
                with suppress(CommitFailedError, IllegalStateError):  # it has moved: who has it now finds the gap
                    await self.consumer.commit({place: offset})


async def _extent(kafka_url: str, place: TopicPartition) -> Extent:
    async with opened(kafka_url) as offsets:
        return (await offsets.extents([place]))[place]
