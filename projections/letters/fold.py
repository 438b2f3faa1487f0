"""Takes records of two topics into one copy of DeadLetter, and its one position; knows what is stored."""

from collections import Counter
from collections.abc import Callable, Sequence

from aiokafka import ConsumerRecord, TopicPartition
from msgspec.structs import replace

from projections.letters.letters import TOPICS, Item, Position, evolve, fold
from projections.letters.reading import poison, read_item
from projections.letters.store import LetterStore
from projections.mongo.errors import Conflict
from projections.mongo.positions import Positioned, Positions, Track
from projections.mongo.writing import encodes
from streams.letters.dead_letters import Report


class LetterProjector(Positioned[Position]):
    """One copy. `unreadable` is told of each record that nobody can read."""

    def __init__(self, store: LetterStore, positions: Positions[Position], unreadable: Callable[[], None]) -> None:
        super().__init__(positions)
        self._store, self._unreadable = store, unreadable
        self.written = 0
        self.skipped = 0
        """Nothing: what can't be read is a letter itself."""

    async def open(self, partitions: Sequence[int]) -> dict[TopicPartition, int]:  # noqa: ARG002 - each topic has one partition
        """Take it over, and begin at the stored position. Raises `Refused`."""
        await self._positions.take_over([0])
        return self.following()

    def following(self) -> dict[TopicPartition, int]:
        """The first offsets that are not taken yet."""
        return {TopicPartition(topic, 0): offset + 1 for topic, offset in self._position.offsets.items()}

    @property
    def _position(self) -> Position:
        return self._positions.of(self._store.name)[0]

    async def project(self, records: Sequence[ConsumerRecord]) -> list[str]:
        """Take these in. Raises `Conflict`, `Unavailable`."""
        position = self._position
        reached = dict(position.offsets)
        for record in records:
            reached[record.topic] = max(record.offset, reached[record.topic])
        items = [item for record in records if (item := self._item(record))]
        known = await self._store.letters({item.letter for item in items}) if items else {}
        if any((document["fold"].get("epoch") or 0) > (position.epoch or 0) for document in known.values()):
            raise Conflict("somebody else has taken over")
        writes = fold(items, known, position, reached)
        await self._store.write(writes)
        counts = Counter(position.counts)
        counts.update(writes.counts)
        times = (item.told.time for item in items if isinstance(item.told, Report))
        new = replace(
            position,
            offset=reached[TOPICS[0]],
            offsets=reached,
            counts={kind: count for kind, count in counts.items() if count},
            newest=max(filter(None, (position.newest, *times)), default=None),
            revision=position.revision + 1,
        )
        await self._positions.advance({Track(self._store.name, 0): new})
        self.written += len(writes.documents) + len(writes.updates)
        return []

    def _item(self, record: ConsumerRecord) -> Item | None:
        item = read_item(record)
        if item is not None and not encodes(evolve(None, item)):
            item = poison(record, "MongoDB has no form for what it says")
        if item is not None and item.letter.startswith(f"dead:{record.topic}:"):
            self._unreadable()
        return item
