"""How far everybody was when the audit began, and where the topics ended just after: so it is right on a live system.

A stage writes what it has to say before it commits. So whatever a group had committed when it was asked first has its
consequences on the topics whose ends are asked for afterwards; what lies past a commit may not have them yet.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from projections.audit.finding import Finding
from projections.models import GROUPS
from projections.position import Document
from projections.present.reads import Reads
from streams import clock
from streams.clock import milliseconds
from streams.kafka.bootstrap import bootstrap
from streams.kafka.offsets import Extent, Offsets, opened
from streams.topics import DEAD_LETTERS, EVENTS, LANE_CLASSES, LANES, OPERATIONS, REQUESTS, deliver_group

LOADING = 30.0
LOOK = 0.2
"""Seconds."""

Places = dict[TopicPartition, int]
Extents = dict[TopicPartition, Extent]


class Committed(NamedTuple):
    """What each stage had certainly done; a partition without a commit is left out. `now` in milliseconds."""

    now: int
    lifecycle: Places
    admit: Places
    lanes: Places
    letters: Places
    projected: dict[str, Document]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`committed` was asked for before `ends`."""

    committed: Committed
    ends: Extents

    def of(self, topic: str) -> Extents:
        """The ends of one topic."""
        return {place: extent for place, extent in self.ends.items() if place.topic == topic}


def beyond_end(bounds: Bounds) -> Iterator[Finding]:
    """Whoever has read further than a topic reaches: it lost its tail, and its next records will be passed over."""
    committed = bounds.committed
    groups = {"lifecycle": committed.lifecycle, "admit": committed.admit, "deliver": committed.lanes}
    for who, places in (groups | {"dead-letters": committed.letters}).items():
        yield from _beyond_end(who, places, bounds.ends)
    for stored in committed.projected.values():
        reached = {TopicPartition(EVENTS, stored["partition"]): stored["offset"] + 1}
        yield from _beyond_end(stored["projection"], reached, bounds.ends)


def _beyond_end(who: str, reached: Places, ends: Extents) -> Iterator[Finding]:
    for place, offset in reached.items():
        if place in ends and offset > ends[place].end:
            detail = f"{who} has read it up to offset {offset}, and it ends at {ends[place].end}: it lost its tail"
            yield Finding("beyond-end", f"{place.topic}[{place.partition}]", detail)


class NoLog(Exception):
    """There is no log to be audited."""


async def bounds(url: str, reads: Reads | None) -> Bounds:
    """Ask everybody, in the order that matters. Raises `NoLog`, aiokafka's errors and `Unavailable`."""
    partitions = await log_partitions(url)
    async with opened(url) as offsets:
        committed = await _committed(offsets, reads)
        places = [TopicPartition(topic, part) for topic in (EVENTS, REQUESTS, *LANES) for part in range(partitions)]
        places += [TopicPartition(topic, 0) for topic in (DEAD_LETTERS, OPERATIONS)]
        return Bounds(committed, await offsets.extents(places))


async def unclaimed(url: str, committed: Committed, partitions: int) -> Extents:
    """The part of each lane that deliver had not claimed, up to where the lane ends now."""
    places = [TopicPartition(topic, part) for topic in LANES for part in range(partitions)]
    async with opened(url) as offsets:
        extents = await offsets.extents(places)
    return {
        place: Extent(max(first, committed.lanes.get(place, first)), end) for place, (first, end) in extents.items()
    }


async def _committed(offsets: Offsets, reads: Reads | None) -> Committed:
    now = milliseconds(clock.now())
    lane_offsets: Places = {}
    for lane_class in LANE_CLASSES:
        lane_offsets |= await _of_group(offsets, deliver_group(lane_class))
    return Committed(
        now,
        await _of_group(offsets, "lifecycle"),
        await _of_group(offsets, "admit"),
        lane_offsets,
        await _of_group(offsets, GROUPS["letters"]),
        await reads.positions() if reads else {},
    )


async def _of_group(offsets: Offsets, group: str) -> Places:
    """Trap: a broker that has just started does not know its groups for a while."""
    deadline = time.monotonic() + LOADING
    while True:
        try:
            return await offsets.committed(group)
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
        await asyncio.sleep(LOOK)


async def log_partitions(url: str) -> int:
    """How many the log has. Raises `NoLog` and aiokafka's errors."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(url))
    try:
        await admin.start()
        (topic,) = await admin.describe_topics([EVENTS])
    finally:
        await admin.close()
    if not topic["partitions"]:
        raise NoLog(
            f"expected a topic {EVENTS}, Kafka has none: is it the right KAFKA_URL, and was the system ever up?"
        )
    return len(topic["partitions"])
