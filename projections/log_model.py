"""How the read models of the family `log` are folded: by one projector, out of one reading of the log."""

from collections.abc import Iterable, Mapping

from aiokafka import ConsumerRecord

from projections.models import family
from projections.mongo.connection import Database, answered
from projections.mongo.schema import POSITIONS
from projections.position import LogIdentity
from projections.projector import Projector, Sink
from projections.store import Store


class LogModel:
    """Offsets are counted by partition."""

    versions: Mapping[str, int] = family("log")

    def __init__(self, base: Database, sink: Sink, identity: LogIdentity) -> None:
        self._base, self._sink, self._identity = base, sink, identity

    def folder(self, names: Mapping[str, str]) -> Projector:
        """Writes these copies."""
        return Projector(Store(self._base, names), self._sink, self._identity)

    async def reached(self, names: Iterable[str]) -> dict[int, int]:
        """The last offset that all of these copies have folded, by partition."""
        return await reached(self._base, names)

    def place(self, record: ConsumerRecord) -> int:
        """Its partition."""
        return int(record.partition)


async def reached(base: Database, names: Iterable[str]) -> dict[int, int]:
    """The last offset that all of these copies have folded, by partition. Raises `Unavailable`."""
    offsets: dict[int, int] = {}
    with answered():
        async for one in base[POSITIONS].find({"projection": {"$in": list(names)}}):
            offsets[one["partition"]] = min(one["offset"], offsets.get(one["partition"], one["offset"]))
    return offsets
