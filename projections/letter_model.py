"""How DeadLetter is folded: records of two topics in, one copy's documents and its one position out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from aiokafka import ConsumerRecord
from msgspec.structs import replace

from projections.letter_reading import poison, read_item
from projections.letter_store import LetterStore
from projections.letters import PROJECTION, TOPICS, VERSION, Item, Position, evolve, fold
from projections.mongo.connection import Database, answered
from projections.mongo.errors import Conflict
from projections.mongo.positions import Positions, StoredPositions, Track
from projections.mongo.schema import POSITIONS
from projections.mongo.writing import encodes
from projections.position import LogIdentity
from streams.letters.dead_letters import Report


class LetterFolder:
    """One copy. `unreadable` is told of each record that nobody can read."""

    def __init__(self, store: LetterStore, positions: Positions[Position], unreadable: Callable[[], None]) -> None:
        self._store, self._positions, self._unreadable = store, positions, unreadable
        self.written = 0
        self.skipped = 0
        """Nothing: what can't be read is a letter itself."""

    async def open(self, partitions: Sequence[int]) -> dict[str, int]:  # noqa: ARG002 - each topic has one partition
        """Take it over, and begin at the stored position. Raises `Refused`."""
        await self._positions.take_over([0])
        return self.following()

    def following(self) -> dict[str, int]:
        """The first offset that is not taken yet, by topic."""
        return {topic: offset + 1 for topic, offset in self._position.offsets.items()}

    @property
    def _position(self) -> Position:
        return self._positions.of(self._store.name)[0]

    async def check(self) -> None:
        """Raises `Conflict` if the stored position is not where it left it."""
        await self._positions.check()

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


def letter_folder(
    base: Database, name: str, identity: LogIdentity, unreadable: Callable[[], None] = lambda: None
) -> LetterFolder:
    """Writes the copy of this name."""
    positions = Positions(StoredPositions(base, {name: VERSION}, identity, Position))
    return LetterFolder(LetterStore(base, name), positions, unreadable)


class LetterModel:
    """Offsets are counted by topic."""

    versions: Mapping[str, int] = {PROJECTION: VERSION}

    def __init__(self, base: Database, identity: LogIdentity, unreadable: Callable[[], None]) -> None:
        self._base, self._identity, self._unreadable = base, identity, unreadable

    def folder(self, names: Mapping[str, str]) -> LetterFolder:
        """Writes this copy."""
        return letter_folder(self._base, names[PROJECTION], self._identity, self._unreadable)

    async def reached(self, names: Iterable[str]) -> dict[str, int]:
        """The last offset that all of these copies have folded, by topic."""
        with answered():
            found = [one["offsets"] async for one in self._base[POSITIONS].find({"projection": {"$in": list(names)}})]
        return {topic: min(offsets[topic] for offsets in found) for topic in TOPICS} if found else {}

    def place(self, record: ConsumerRecord) -> str:
        """Its topic."""
        return str(record.topic)
