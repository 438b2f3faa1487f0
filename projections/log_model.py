"""How the read models of the log are folded: those of one family together, out of one reading."""

from collections.abc import Iterable, Mapping

from aiokafka import ConsumerRecord

from projections.layers import Folder
from projections.models import Family, family, versions
from projections.mongo.connection import Database, answered
from projections.mongo.positions import Positions, StoredPositions
from projections.mongo.schema import POSITIONS
from projections.past import fold as past
from projections.past import history
from projections.past.store import PastStore
from projections.position import LogIdentity, Position
from projections.projector import Projector, Sink
from projections.store import Store


class LogModel:
    """The read models of one family. Offsets are counted by partition."""

    def __init__(self, models: Family, base: Database, sink: Sink, identity: LogIdentity) -> None:
        self.versions: Mapping[str, int] = family(models)
        self._base, self._sink, self._identity = base, sink, identity

    def folder(self, names: Mapping[str, str]) -> Folder[int]:
        """Writes these copies."""
        return log_folder(self._base, names, self._sink, self._identity)

    async def reached(self, names: Iterable[str]) -> dict[int, int]:
        """The last offset that all of these copies have folded, by partition. Raises `Unavailable`."""
        offsets: dict[int, int] = {}
        with answered():
            async for one in self._base[POSITIONS].find({"projection": {"$in": list(names)}}):
                offsets[one["partition"]] = min(one["offset"], offsets.get(one["partition"], one["offset"]))
        return offsets

    def place(self, record: ConsumerRecord) -> int:
        """Its partition."""
        return int(record.partition)


def log_folder(
    base: Database, names: Mapping[str, str], sink: Sink, identity: LogIdentity, *, fresh: bool = False
) -> Folder[int]:
    """Writes these copies, by read model, all of one family; `fresh` as in `Projector`."""
    positions = Positions(StoredPositions(base, versions(names), identity, Position))
    if history.PROJECTION in names:
        return past.Folder(PastStore(base, names[history.PROJECTION]), positions)
    return Projector(Store(base, names), positions, sink, fresh=fresh)
