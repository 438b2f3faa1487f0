"""The records of deliver's lanes, from where its group had committed; past what retention removed only when told to.

A lane has no other memory of what was taken than the group's offsets. Where they are lost, or point to what is gone,
the reader refuses: from the beginning everything would be sent again.
"""

import logging
from contextlib import suppress
from functools import partial
from typing import cast

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError

from streams import clock
from streams.calls import SOURCE
from streams.events import CHANNELS, LaneClass
from streams.gaps import bridge, resume
from streams.kafka import Publisher, group_consumer, waited_out
from streams.offsets import Extent, opened
from streams.settings import Settings
from streams.topics import LANE_CLASSES, deliver_group, lane

log = logging.getLogger(__name__)


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
                        bridge(gap, SOURCE, clock.now(), accept=settings.accept_gaps)

    await waited_out(look)


class LaneReader:
    """A member of the group of one class; `consumer` is for what needs no care."""

    def __init__(self, settings: Settings, lane_class: LaneClass, publisher: Publisher) -> None:
        self._settings, self._publisher = settings, publisher
        self._group = deliver_group(lane_class)
        self.consumer = group_consumer(settings, self._group, *(lane(channel, lane_class) for channel in CHANNELS))
        self._lost: dict[TopicPartition, int | None] = {}
        """Where it can't go on, and from which offset it would; None if it does not know."""

    async def fetch(
        self, partitions: list[TopicPartition], limit: int, timeout_ms: int = 0
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """What waits; nothing where the place is lost, which `pass_gaps` sees to. May be cancelled."""
        try:
            fetched = await self.consumer.getmany(*partitions, max_records=limit, timeout_ms=timeout_ms)
        except NoOffsetForPartitionError as error:
            self._lost[error.args[0]] = None
            return {}
        except OffsetOutOfRangeError as error:
            self._lost.update(error.args[0])
            return {}
        return cast("dict[TopicPartition, list[ConsumerRecord]]", fetched)

    async def pass_gaps(self) -> None:
        """Go on at the beginning of what is left, if told to, with the gap on record; raises `Refused` if not."""
        while self._lost:
            place, offset = self._lost.popitem()
            extent = await waited_out(partial(_extent, self._settings.kafka_url, place))
            gap = resume(self._group, place, offset, *extent)
            if gap is not None:
                record = bridge(gap, SOURCE, clock.now(), accept=self._settings.accept_gaps)
                await self._publisher.publish([record])
                log.critical("%s: going on as told to", gap)
            await self._go_to(place, offset or 0 if gap is None else gap.until)

    async def _go_to(self, place: TopicPartition, offset: int) -> None:
        if place in self.consumer.assignment():
            self.consumer.seek(place, offset)
            with suppress(CommitFailedError, IllegalStateError):  # it has moved: another worker finds the gap
                await self.consumer.commit({place: offset})


async def _extent(kafka_url: str, place: TopicPartition) -> Extent:
    async with opened(kafka_url) as offsets:
        return (await offsets.extents([place]))[place]
