"""How far consumer groups are and where their topics end, asked of the broker; looks and readings out.

It asks from outside of the consumers: one that hangs can't be asked, and one that never got a partition has no lag.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.background import cancelled
from streams.health.metrics import Reading
from streams.health.progress import Arrivals, Look
from streams.health.vitals import Following
from streams.kafka.offsets import Offsets, opened
from streams.topics import catalogue

EVERY = 2.0
"""Seconds between questions."""
PATIENCE = 5.0
"""Seconds for an answer; after that the broker counts as away."""
AWAY = "Kafka does not answer"


class Place(NamedTuple):
    """A partition: the next offset to be read, and the end."""

    position: int
    end: int

    @property
    def lag(self) -> int:
        """Records to be read."""
        return max(self.end - self.position, 0)


Places = Mapping[TopicPartition, Place]


class Lag:
    """What groups have before them, true as long as `run` runs and `away` is empty; `followed` may grow."""

    def __init__(self, url: str, partitions: int, followed: Sequence[Following]) -> None:
        self.away = AWAY
        self._url, self._followed = url, followed
        self._partitions = {topic.name: topic.partitions for topic in catalogue(partitions, ())}
        self._places: dict[str, Places] = {}
        self._members: dict[str, int] = {}
        self._arrivals: dict[tuple[str, TopicPartition], Arrivals] = {}

    async def run(self) -> None:
        """Ask until cancelled; a broker that is away is asked again."""
        while True:
            try:
                if self._followed:
                    await self._ask_on()
            except (KafkaError, OSError, asyncio.CancelledError) as error:
                if cancelled(error):
                    raise
            await asyncio.sleep(EVERY)

    async def _ask_on(self) -> None:
        async with asyncio.timeout(PATIENCE) as patience, opened(self._url) as offsets:
            try:
                while True:
                    await self._ask(offsets)
                    self.away = ""
                    patience.reschedule(None)
                    await asyncio.sleep(EVERY)
                    patience.reschedule(asyncio.get_running_loop().time() + PATIENCE)
            finally:
                self.away = AWAY  # not later: the connections of a silent broker may take long to close

    async def _ask(self, offsets: Offsets) -> None:
        for following in self._followed:
            if not following.own():
                self._members[following.group] = await offsets.members(following.group)
            wanted = [
                TopicPartition(topic, number) for topic in following.topics for number in range(self._partitions[topic])
            ]
            committed, extents = await offsets.committed(following.group), await offsets.extents(wanted)
            now = time.monotonic()
            places = {
                key: Place(max(committed.get(key, 0), extent.first), extent.end) for key, extent in extents.items()
            }
            for key, place in places.items():
                self._arrivals.setdefault((following.group, key), Arrivals()).add(now, place.end, place.position)
            self._places[following.group] = places

    @property
    def members(self) -> Mapping[str, int]:
        """Of each followed group of which this process reads nothing: how many workers it has."""
        return self._members

    def looks(self) -> dict[str, Look]:
        """For every part that may stall alone; see `Following`."""
        return {
            name: look._replace(hindered=self.away or look.hindered)
            for following in self._followed
            for name, look in self._looks(following).items()
        }

    def _looks(self, following: Following) -> dict[str, Look]:
        return looks(following, self._places.get(following.group, {}), self._members.get(following.group, 0))

    def readings(self) -> Iterator[Reading]:
        """The lag of every partition, as of the last answer."""
        now = time.monotonic()
        for group, places in self._places.items():
            for key, place in places.items():
                labels = (group, key.topic, str(key.partition))
                yield Reading("tidings_lag_records", place.lag, labels)
                yield Reading("tidings_lag_seconds", self._arrivals[group, key].waiting(now), labels)


def looks(following: Following, places: Places, members: int = 0) -> dict[str, Look]:
    """The places a group's member reads, as looks at work: each partition, or each topic; without any, the group.

    Of a group of several `members` one without partitions is a spare: only their owners know what stands in the way,
    and judge themselves. Alone, or where nobody has joined, it should be reading.
    """
    own = [key for key in following.own() if key in places]
    if not own:
        hindered = "another worker reads" if members > 1 else following.hindered("")
        return {f"{following.group} is read": _look(places.values(), following.moved(), hindered)} if places else {}
    parts: dict[tuple[str, str], list[Place]] = {}
    for key in own:
        name = key.topic if following.by_topic else f"{key.topic}[{key.partition}]"
        parts.setdefault((name, key.topic), []).append(places[key])
    return {
        f"{following.group} reads {name}": _look(members, following.moved(), following.hindered(topic))
        for (name, topic), members in parts.items()
    }


def _look(places: Iterable[Place], moved: object, hindered: str) -> Look:
    known = tuple(places)
    return Look((moved, *(place.position for place in known)), sum(place.lag for place in known), hindered)
