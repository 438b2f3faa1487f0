"""Kafka as the projections consume it: positions come from the read models, partitions from a consumer group."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from projections.again import OF_STORE
from streams.exits import Refused
from streams.kafka.consuming import group_consumer
from streams.kafka.gaps import missed, pass_over
from streams.kafka.publisher import Publisher
from streams.settings import Settings
from streams.topics import EVENTS

log = logging.getLogger(__name__)

FETCH = 0.02
"""Seconds in which a broker that has something will have answered."""
FETCHED = 1024 * 1024
"""Bytes of a partition held ready; together with the count of `take` this bounds a batch, whatever the sizes."""


class Source(ABC):
    """Reads from where it is told to, and says when there is something new to be told.

    Its group's offsets are for those who watch the lag; nothing is read by them.
    """

    topics: tuple[str, ...]
    repair: str
    """What to do about a topic that ends before what was read of it."""
    faults: tuple[type[Exception], ...] = OF_STORE
    """After these it can go on; any other ends the process."""

    def __init__(self, consumer: AIOKafkaConsumer, group: str, settings: Settings, publisher: Publisher) -> None:
        self.group = group
        self._consumer, self._publisher, self._accept_gaps = consumer, publisher, settings.accept_gaps
        self._next: dict[TopicPartition, int] = {}
        self._marking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect."""
        await self._consumer.start()

    async def stop(self) -> None:
        """Close the connections. The group keeps this member's partitions for it until the session times out."""
        if self._marking is not None:
            self._marking.cancel()
        await self._consumer.stop()

    @property
    @abstractmethod
    def reassigned(self) -> bool:
        """Partitions came or went since `partitions` was called last: nothing is read before the next `go_to`."""

    @property
    def hindered(self) -> str:
        """Why this process rightly reads nothing, or an empty string."""
        return ""

    @abstractmethod
    async def partitions(self) -> list[int]:
        """Those that are to be read here now."""

    @abstractmethod
    def assigned(self) -> set[TopicPartition]:
        """Likewise, for those who only watch."""

    def go_to(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read on from these offsets, unless the partitions changed since they were told."""
        if self.reassigned:
            return
        for place, offset in offsets.items():
            self._consumer.seek(place, offset)
        self._consumer.resume(*offsets)
        self._next = dict(offsets)

    async def take(self, limit: int, patience: float) -> list[ConsumerRecord]:
        """What is waiting, up to `limit` records in order per partition; if nothing is, waits up to `patience` s.

        Raises `Refused` if records are missing, and aiokafka's errors.
        """
        try:
            batches = await self._consumer.getmany(timeout_ms=int(patience * 1000), max_records=limit)
        except NoOffsetForPartitionError:
            await self._pass_gaps({})
            return []
        except OffsetOutOfRangeError as error:
            await self._pass_gaps(error.args[0])
            return []
        if self.reassigned:
            return []
        for place, records in batches.items():
            self._follow(place, records)
        return [record for records in batches.values() for record in records]

    async def _pass_gaps(self, out_of_range: Mapping[TopicPartition, int]) -> None:
        """Go on at the beginning of what is left of a topic, if told to, with the gap on record.

        A group without offsets is nothing to us: its partitions are sought to where the read models are. Raises
        `Refused` if a topic ends before that, which the first fetch there finds out.
        """
        reached = dict(self._next)
        first, ends = await self._consumer.beginning_offsets(reached), await self._consumer.end_offsets(reached)
        if self.reassigned:
            return
        gaps = [
            missed(place, here, first[place], ends[place], self.repair, out_of_range=out_of_range.get(place) == here)
            for place, here in reached.items()
        ]
        await pass_over([*filter(None, gaps)], self.group, self._publisher, accept=self._accept_gaps)
        self.go_to({place: max(here, first[place]) for place, here in reached.items()})

    def _follow(self, place: TopicPartition, records: list[ConsumerRecord]) -> None:
        """These were taken."""
        self._next[place] = records[-1].offset + 1

    def waiting(self) -> int:
        """How many records the broker had beyond those taken, when it was last asked."""
        if self.reassigned:
            return 0
        ends = {place: self._consumer.highwater(place) for place in self._next}
        return sum(end - self._next[place] for place, end in ends.items() if end is not None)

    def mark(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell the group how far the read models are; best effort, one at a time."""
        if not self.reassigned and (self._marking is None or self._marking.done()):
            self._marking = asyncio.create_task(self._mark(offsets))

    async def _mark(self, marks: Mapping[TopicPartition, int]) -> None:
        try:
            await self._consumer.commit(marks)
        except KafkaError as error:
            log.info("the group's offsets, which only show the lag, were not committed: %r", error)


class LogSource(Source, ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions of the log that a member of a consumer group has.

    aiokafka goes to the group's offsets by itself: `take` therefore checks that each record follows the one before.
    """

    topics = (EVENTS,)
    repair = "restore the log, or rebuild into an empty database"

    def __init__(self, group: str, settings: Settings, publisher: Publisher) -> None:
        consumer = group_consumer(settings, group, max_partition_fetch_bytes=FETCHED)
        super().__init__(consumer, group, settings, publisher)
        self._reassigned = True

    async def start(self) -> None:
        """Join the group."""
        self._consumer.subscribe([EVENTS], listener=self)
        await super().start()

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002 - aiokafka's interface
        """Called by aiokafka when a rebalance starts."""
        self._reassigned = True

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Called by aiokafka when a rebalance ends."""
        self._reassigned = True
        self._consumer.pause(*assigned)

    @property
    def reassigned(self) -> bool:
        """As `Source` says."""
        return self._reassigned

    async def partitions(self) -> list[int]:
        """Those assigned to this member now."""
        self._reassigned = False
        return sorted(partition.partition for partition in self.assigned())

    def assigned(self) -> set[TopicPartition]:
        """Likewise, for those who only watch."""
        assignment: set[TopicPartition] = self._consumer.assignment()
        return assignment

    async def take(self, limit: int, patience: float) -> list[ConsumerRecord]:
        """As `Source` says, but about `limit` records.

        Trap: aiokafka fetches again as soon as something was taken, and then holds it until it is asked: one `getmany`
        gives what was waiting when the last one was made.
        """
        records = await super().take(limit, patience)
        if records and len(records) < limit:
            records += await super().take(limit, FETCH)
        return [] if self.reassigned else records

    def _follow(self, place: TopicPartition, records: list[ConsumerRecord]) -> None:
        expected = self._next[place]
        for record in records:
            if record.offset != expected:
                raise Refused(
                    f"{EVENTS}, partition {place.partition}: expected offset {expected}, got {record.offset}: the log "
                    "lost records that were not folded yet. Restore them, or rebuild into an empty database"
                )
            expected += 1
        self._next[place] = expected
