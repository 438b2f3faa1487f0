"""How far copies of read models are folded, in MongoDB: moved only by who knows where they are.

All of it raises `Unavailable`.
"""

from collections.abc import Collection, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from aiokafka import TopicPartition

from projections.mongo.connection import POSITIONS, Database, answered, by_id, durable
from projections.mongo.errors import Conflict
from projections.mongo.writing import insert, update
from projections.position import LogIdentity, Position, document, key
from projections.writes import Update
from streams.topics import EVENTS

PositionT = TypeVar("PositionT", bound=Position)


class Track(NamedTuple):
    """A partition as one copy of a read model folds it; the copy by its name."""

    copy: str
    partition: int


class Stored(Protocol[PositionT]):
    """Where positions are kept."""

    async def read(self, partitions: Collection[int]) -> dict[Track, PositionT]:
        """Those of all copies; made if missing. Raises `Refused` if they are of another log or another fold."""

    async def move(self, old: Mapping[Track, PositionT], new: Mapping[Track, PositionT]) -> None:
        """Raises `Conflict` if one of the old ones is not what is stored."""


class Positions(Generic[PositionT]):
    """The positions of some copies, as they were read or moved here last."""

    def __init__(self, stored: Stored[PositionT]) -> None:
        self._stored = stored
        self._held: dict[Track, PositionT] = {}

    async def open(self, partitions: Collection[int]) -> None:
        """Read those of these partitions. Raises `Refused`."""
        self._held = await self._stored.read(partitions)

    async def take_over(self, partitions: Collection[int]) -> None:
        """Likewise, each in an epoch of ours. Raises `Conflict` if one moved meanwhile."""
        found = await self._stored.read(partitions)
        ours = {track: position.taken_over() for track, position in found.items()}
        await self._stored.move(found, ours)
        self._held = ours

    async def check(self) -> None:
        """Raises `Conflict` if the stored ones are not where they were left here."""
        if await self._stored.read({track.partition for track in self._held}) != self._held:
            raise Conflict("the stored positions moved: MongoDB lost its tail, or somebody else writes")

    async def advance(self, new: Mapping[Track, PositionT]) -> None:
        """Raises `Conflict` if one of them is not what is stored."""
        await self._stored.move(self._held, new)
        self._held |= new

    def of(self, copy: str) -> dict[int, PositionT]:
        """By partition."""
        return {track.partition: position for track, position in self._held.items() if track.copy == copy}

    def following(self) -> dict[TopicPartition, int]:
        """The first offsets of the log that are not folded into all copies yet."""
        return {TopicPartition(EVENTS, number): min(offsets) + 1 for number, offsets in self._offsets().items()}

    def furthest(self) -> dict[int, int]:
        """The last offset that one of the copies has folded, by partition."""
        return {number: max(offsets) for number, offsets in self._offsets().items()}

    def _offsets(self) -> dict[int, list[int]]:
        offsets: dict[int, list[int]] = {}
        for track, position in self._held.items():
            offsets.setdefault(track.partition, []).append(position.offset)
        return offsets


class Positioned(Generic[PositionT]):
    """What folds copies, and goes on where their positions are."""

    def __init__(self, positions: Positions[PositionT]) -> None:
        self._positions = positions

    def following(self) -> dict[TopicPartition, int]:
        """The first offsets that are not taken into all copies yet."""
        return self._positions.following()

    async def check(self) -> None:
        """Raises `Conflict` if the stored positions are not where it left them."""
        await self._positions.check()


class StoredPositions(Generic[PositionT]):
    """Those of copies by name, each of a version of its fold, in documents of this form."""

    def __init__(
        self, base: Database, versions: Mapping[str, int], identity: LogIdentity, form: type[PositionT]
    ) -> None:
        self._stored, self._versions, self._identity, self._form = durable(base, POSITIONS), versions, identity, form

    async def read(self, partitions: Collection[int]) -> dict[Track, PositionT]:
        """As `Stored` says."""
        fresh = {
            key(copy, partition): document(copy, partition, version, self._identity, self._form())
            for partition in partitions
            for copy, version in self._versions.items()
        }
        found = await by_id(self._stored, fresh)
        with answered():
            await insert(self._stored, [one for name, one in fresh.items() if name not in found])
        return {
            Track(one["projection"], one["partition"]): self._form.read(
                one, self._versions[one["projection"]], self._identity
            )
            for one in (fresh | found).values()
        }

    async def move(self, old: Mapping[Track, PositionT], new: Mapping[Track, PositionT]) -> None:
        """As `Stored` says."""
        updates = [Update(key(*track), old[track].unmoved(), position.moving()) for track, position in new.items()]
        with answered():
            await update(self._stored, updates)
