"""What is known of a shadow in, why readers may not go over to it out. Pure.

A fold of another version makes other documents: what differs, and what it adds, is explained by that. That a document
is missing is explained by nothing.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

from projections.position import Document
from streams.counted import counted

Kind = Literal["missing", "added", "differs", "counters"]
PlaceT = TypeVar("PlaceT", bound=Hashable)
EXPLAINED_BY_VERSION: frozenset[Kind] = frozenset({"added", "differs", "counters"})


class Difference(NamedTuple):
    """Between the live copy's document and the other's; None where there is none."""

    kind: Kind
    id: str
    live: Document | None
    other: Document | None


@dataclass(slots=True)
class Compared:
    """Two copies, held against each other up to where both had folded the log. Digests and counts are of that part.

    `ahead` are documents that had moved past it: they are judged by neither. Of the differences the first are kept.
    """

    same_version: bool
    limit: int
    documents: Counter[str] = field(default_factory=Counter)
    digests: dict[str, str] = field(default_factory=dict)
    ahead: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    first: list[Difference] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        """One more."""
        self.kinds[difference.kind] += 1
        if len(self.first) < self.limit:
            self.first.append(difference)

    @property
    def unexplained(self) -> int:
        """Differences that the versions of the folds don't explain."""
        explained = frozenset[Kind]() if self.same_version else EXPLAINED_BY_VERSION
        return sum(count for kind, count in self.kinds.items() if kind not in explained)


def lag(ends: Mapping[PlaceT, int], following: Mapping[PlaceT, int]) -> int:
    """How many records one who goes on at `following` has not folded, of those before `ends`."""
    return sum(max(end - following.get(place, 0), 0) for place, end in ends.items())


def passed(ends: Mapping[PlaceT, int], following: Mapping[PlaceT, int]) -> bool:
    """Whether all of these records are folded, in every partition."""
    return lag(ends, following) == 0


def refusals(compared: Compared, *, accepted: bool) -> list[str]:
    """Why readers may not go over; nothing if they may, once the shadow has caught up (`keeping.caught_up`)."""
    if not compared.unexplained or accepted:
        return []
    what = counted(compared.unexplained, "difference")
    return [f"{what} that nothing explains; if that is wanted, --accept-differences goes on, with that on record"]
