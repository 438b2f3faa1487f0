"""The names of copies in, what writes them out: those of one family together, out of one reading of their topics."""

from collections.abc import Callable, Mapping

from projections.copies.layers import Projector
from projections.letters import letters
from projections.letters.fold import LetterProjector
from projections.letters.store import LetterStore
from projections.models import versions
from projections.mongo.connection import Database
from projections.mongo.positions import Positions, StoredPositions
from projections.past import fold as past
from projections.past import history
from projections.past.store import PastStore
from projections.position import LogIdentity, Position
from projections.present.projector import PresentProjector, Sink
from projections.present.store import Store


def log_projector(
    base: Database, names: Mapping[str, str], sink: Sink, identity: LogIdentity, *, fresh: bool = False
) -> Projector:
    """Writes these copies of folds of the log, by read model; `fresh` as in `PresentProjector`."""
    positions = Positions(StoredPositions(base, versions(names), identity, Position))
    if history.PROJECTION in names:
        return past.PastProjector(PastStore(base, names[history.PROJECTION]), positions)
    return PresentProjector(Store(base, names), positions, sink, fresh=fresh)


def letter_projector(
    base: Database, names: Mapping[str, str], identity: LogIdentity, unreadable: Callable[[], None] = lambda: None
) -> Projector:
    """Likewise, of DeadLetter; `unreadable` as in `LetterProjector`."""
    positions = Positions(StoredPositions(base, versions(names), identity, letters.Position))
    return LetterProjector(LetterStore(base, names[letters.PROJECTION]), positions, unreadable)
