"""Where in Kafka a what-if has to read, and the policies that held: the questions it asks, all of them reading."""

from collections.abc import Iterable
from contextlib import aclosing
from datetime import datetime, timedelta

from aiokafka import TopicPartition

from projections.audit.bounds import log_partitions
from streams.clock import milliseconds
from streams.codec import Undecodable
from streams.events import PolicySet
from streams.kafka.consuming import plain_consumer
from streams.kafka.offsets import Extent, opened
from streams.kafka.topic_reading import records
from streams.operations import PolicyChanged, read
from streams.topics import EVENTS, OPERATIONS

SKEW = timedelta(minutes=5)
"""How far the time of a request may lie after that of its record: see `streams.intake.requests.CLOCK_TOLERANCE`."""


async def extents(url: str, since: datetime | None) -> dict[TopicPartition, Extent]:
    """The part of the log that tells of requests since then. Raises `NoLog` and aiokafka's errors."""
    places = [TopicPartition(EVENTS, number) for number in range(await log_partitions(url))]
    async with opened(url) as offsets:
        whole = await offsets.extents(places)
    firsts = await _at(url, places, since - SKEW) if since else {}
    return {
        place: Extent(max(firsts.get(place, end if since else first), first), end)
        for place, (first, end) in whole.items()
    }


async def policies(url: str, until: datetime | None) -> list[PolicySet]:
    """All that were set by then, in order."""
    place = TopicPartition(OPERATIONS, 0)
    found: list[PolicySet] = []
    async with opened(url) as offsets:
        whole = await offsets.extents([place])
    async with aclosing(records(url, whole)) as batches:
        async for batch in batches:
            found += _policies(record.value for record in batch)
    return [policy for policy in found if until is None or policy.version < milliseconds(until)]


async def _at(url: str, places: list[TopicPartition], time: datetime) -> dict[TopicPartition, int]:
    """The first record of each partition at this time or after it; left out where there is none."""
    consumer = plain_consumer(url)
    await consumer.start()
    try:
        found = await consumer.offsets_for_times(dict.fromkeys(places, milliseconds(time)))
    finally:
        await consumer.stop()
    return {place: at.offset for place, at in found.items() if at is not None}


def _policies(values: Iterable[bytes | None]) -> Iterable[PolicySet]:
    for value in values:
        try:
            event = read(value)
        except Undecodable:
            continue
        if isinstance(event.done, PolicyChanged):
            done = event.done
            yield PolicySet(
                done.scope,  # type: ignore[arg-type]
                done.about,
                milliseconds(event.time),
                done.rate_limit,
                done.rate_window,
                done.dedupe_window,
            )
