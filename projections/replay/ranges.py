"""Where on the log the events of a replay can be, and how many they are.

Records lie in the order in which they were written; a replay goes by the events' own times. An event is written when it
has happened, or long after (a request that waited in a queue, a conclusion after an outage), so nothing before the end
of the log is past all that happened before a given time. But none is written before it happened, by more than clocks
differ: so the reading begins there, as the broker's index of times tells.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import NamedTuple

from aiokafka import TopicPartition

from projections.replay.selecting import select
from streams.clock import milliseconds
from streams.kafka.offsets import Extent, opened
from streams.kafka.topic_reading import records
from streams.replays import Extents, Selection
from streams.topics import EVENTS, partition_for

LEAD = timedelta(minutes=10)
"""By which an event's time may be ahead of its record's: producers' clocks may be by 5 minutes (see
`streams.intake.requests.CLOCK_TOLERANCE`), and our own machines' differ."""

Told = Callable[[int, int], None]
"""Is told how many records of how many were read."""


class Count(NamedTuple):
    """How many events are meant, by type, and how many records are no events."""

    types: Counter[str]
    unreadable: int


async def ranges(url: str, selection: Selection, partitions: int) -> Extents:
    """Up to where the log ends now. Raises aiokafka's errors."""
    key = selection.recipient_key
    numbers = range(partitions) if key is None else [partition_for(key.encode(), partitions)]
    places = [TopicPartition(EVENTS, number) for number in numbers]
    async with opened(url) as offsets:
        extents = await offsets.extents(places)
        begins: Mapping[TopicPartition, int | None] = {place: extent.first for place, extent in extents.items()}
        if selection.since is not None:
            begins = await offsets.at(places, max(milliseconds(selection.since - LEAD), 0))
    return {place.partition: _between(extents[place], begins[place]) for place in places}


def _between(extent: Extent, begin: int | None) -> tuple[int, int]:
    return (extent.end if begin is None else max(begin, extent.first)), extent.end


async def count(url: str, selection: Selection, extents: Extents, told: Told, stop: asyncio.Event) -> Count | None:
    """None if it was stopped. Raises aiokafka's errors."""
    types, unreadable, read = Counter[str](), 0, 0
    total = sum(end - first for first, end in extents.values())
    async with aclosing(records(url, places(extents), gaps=False)) as batches:
        async for batch in batches:
            if stop.is_set():
                return None
            for picked in select(batch, selection):
                if picked is None:
                    unreadable += 1
                else:
                    types[picked.type] += 1
            read += len(batch)
            told(read, total)
    return Count(types, unreadable)


def places(extents: Extents, reached: Mapping[int, int] | None = None) -> dict[TopicPartition, Extent]:
    """What is to be read, given how far it was read already."""
    return {
        TopicPartition(EVENTS, number): Extent(max(first, (reached or {}).get(number, 0)), end)
        for number, (first, end) in extents.items()
    }
