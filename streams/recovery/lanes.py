"""Deliver's groups in, a place to go on from in every lane out: where a group lost its offsets, the lane's end.

What is skipped so was either taken up before, which the log tells by its `sending`, or is still queued there: the
reconciler finds it in an empty lane and queues it again. So nothing is lost by it and nothing is sent twice.
"""

from aiokafka import TopicPartition

from streams import clock
from streams.counted import counted
from streams.events import CHANNELS, LaneClass
from streams.exits import Refused
from streams.kafka.gaps import by_user, resume
from streams.kafka.offsets import Extent, Offsets, opened
from streams.kafka.publisher import Publisher
from streams.operations import Event, LaneSkipped, to_record
from streams.settings import Settings
from streams.topics import LANE_CLASSES, deliver_group, lane

WHY = "its offset was lost"


async def skip(settings: Settings) -> dict[TopicPartition, int]:
    """Commit for the lanes whose place is lost; returns these. Raises `Refused` while deliver runs."""
    async with Publisher(settings.kafka_url) as publisher, opened(settings.kafka_url) as offsets:
        skipped: dict[TopicPartition, int] = {}
        for lane_class in LANE_CLASSES:
            skipped |= await _skip_class(lane_class, settings, publisher, offsets)
        return skipped


async def _skip_class(
    lane_class: LaneClass, settings: Settings, publisher: Publisher, offsets: Offsets
) -> dict[TopicPartition, int]:
    group = deliver_group(lane_class)
    if members := await offsets.members(group):
        raise Refused(
            f"expected deliver to be stopped, group {group} has {counted(members, 'member')}: stop its workers first"
        )
    names = [lane(channel, lane_class) for channel in CHANNELS]
    places = [TopicPartition(name, number) for name in names for number in range(settings.partitions)]
    committed, extents = await offsets.committed(group), await offsets.extents(places)
    skipped = {
        place: until
        for place, extent in extents.items()
        if (until := place_to_go_on(group, place, committed.get(place), extent)) is not None
    }
    now, by = clock.now(), by_user()
    told = [LaneSkipped(group, place.topic, place.partition, until) for place, until in skipped.items()]
    await publisher.publish([to_record(Event(done, now, "recover", by, WHY)) for done in told])
    await offsets.commit(group, skipped)
    return skipped


def place_to_go_on(group: str, place: TopicPartition, committed: int | None, extent: Extent) -> int | None:
    """The offset to commit; None where the group knows its place. Pure."""
    try:
        gap = resume(group, place, committed, *extent)
    except Refused:
        return extent.end
    return None if gap is None else gap.until
