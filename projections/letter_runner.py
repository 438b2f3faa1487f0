"""Keeps the read model DeadLetter up: records of `dead-letters` and `notification-operations` in, MongoDB out.

It runs beside the loop of the log, in the same process. Each topic has one partition, and each process reads both from
the stored position; of two that write, the one that comes second gets a `Conflict` and reads the position again. The
group's offsets, committed after the position, only show the lag.
"""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from projections.identity import log_identity
from projections.letter_reading import poison, read_item
from projections.letter_store import LetterStore
from projections.letters import TOPICS, Item, Position, evolve, fold
from projections.position import LogIdentity, Refused
from projections.store import Conflict, Unavailable, database, encodes
from streams.dead_letters import Report
from streams.kafka import bootstrap, reachable
from streams.settings import Settings
from streams.topics import DEAD_LETTERS
from streams.vitals import Following, Vitals

log = logging.getLogger(__name__)

GROUP = "dead-letters"
BATCH = 100
"""Records, at most: one may be of 2 MiB."""
IDLE_MS = 500
CHECKED = 10
"""How many idle rounds until the stored position is looked at."""
PATIENCE = 5.0
"""Seconds to wait for MongoDB."""
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts; the last one for ever."""
PARTITIONS = [TopicPartition(topic, 0) for topic in TOPICS]


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Work until `stopping` is set, waiting for servers that are away. Raises `Refused` as `LetterStore` does."""
    await reachable(settings.kafka_url)
    identity = await log_identity(settings.kafka_url, DEAD_LETTERS)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap(settings.kafka_url), group_id=GROUP, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(PARTITIONS)
        async with database(settings, patience=PATIENCE) as base:
            loop = Loop(consumer, LetterStore(base), identity, vitals)
            vitals.follow(Following(GROUP, TOPICS, lambda: PARTITIONS, lambda _: loop.hindered))
            await loop.work(stopping)
    finally:
        await consumer.stop()


class Loop:
    """Takes what is waiting and has it folded, for ever."""

    def __init__(self, consumer: AIOKafkaConsumer, store: LetterStore, identity: LogIdentity, vitals: Vitals) -> None:
        self._consumer, self._store, self._identity, self._vitals = consumer, store, identity, vitals
        self._position: Position | None = None
        self._idle = 0
        self.hindered = ""
        """Why nothing is folded now."""

    async def work(self, stopping: asyncio.Event) -> None:
        """Until told to stop."""
        pauses = itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
        while not stopping.is_set():
            try:
                await self._step()
                self.hindered = ""
                pauses = itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
            except (Conflict, Unavailable, KafkaError) as error:
                self._position = None
                self.hindered = "MongoDB does not answer" if isinstance(error, Unavailable) else ""
                log.warning("dead letters: beginning again from the stored position: %s", error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), next(pauses))

    async def _step(self) -> None:
        if self._position is None:
            self._position = await self._open()
        batches = await self._consumer.getmany(timeout_ms=IDLE_MS, max_records=BATCH)
        records = [record for batch in batches.values() for record in batch]
        if records:
            self._position = await self._take(self._position, records)
        self._idle = 0 if records else self._idle + 1
        if self._idle == CHECKED:
            self._idle = 0
            if await self._store.position(self._identity) != self._position:
                raise Conflict("the stored position moved: MongoDB lost its tail, or somebody else writes")
            await self._mark(self._position.offsets)  # the last mark may have been refused, or cut off by a crash

    async def _open(self) -> Position:
        position = await self._store.position(self._identity)
        begins = await self._consumer.beginning_offsets(PARTITIONS)
        ends = await self._consumer.end_offsets(PARTITIONS)
        for partition in PARTITIONS:
            following = position.offsets[partition.topic] + 1
            if following > ends[partition]:
                raise Refused(
                    f"{partition.topic} ends at {ends[partition]}, but MongoDB has it up to {following}: it was made "
                    "anew. Point KAFKA_URL or MONGO_URL to the pair that belongs together, or empty the database"
                )
            self._consumer.seek(partition, max(following, begins[partition]))
        return position

    async def _take(self, position: Position, records: list[ConsumerRecord]) -> Position:
        reached = dict(position.offsets)
        for record in records:
            reached[record.topic] = record.offset
        items = [item for record in records if (item := self._item(record))]
        known = await self._store.letters({item.letter for item in items}) if items else {}
        writes = fold(items, known, position.offsets, reached)
        await self._store.write(writes)
        counts = Counter(position.counts)
        counts.update(writes.counts)
        times = (item.told.time for item in items if isinstance(item.told, Report))
        new = Position(
            reached,
            {kind: count for kind, count in counts.items() if count},
            max(filter(None, (position.newest, *times)), default=None),
            position.revision + 1,
        )
        await self._store.advance(position, new)
        await self._mark(reached)
        return new

    def _item(self, record: ConsumerRecord) -> Item | None:
        item = read_item(record.topic, record)
        if item is not None and not encodes(evolve(None, item)):
            item = poison(record.topic, record, "MongoDB has no form for what it says")
        if item is not None and item.letter.startswith(f"dead:{record.topic}:"):
            self._vitals.errors["unreadable-letter"] += 1
        return item

    async def _mark(self, reached: Mapping[str, int]) -> None:
        try:
            await self._consumer.commit({part: reached[part.topic] + 1 for part in PARTITIONS})
        except KafkaError as error:
            log.info("the group's offsets, which only show the lag, were not committed: %r", error)
