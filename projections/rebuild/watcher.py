"""Who is told how far a rebuild is."""

from typing import Protocol

from projections.copies.copies import Pointer
from projections.rebuild.gate import Compared


class Watcher(Protocol):
    """Is told how far it is, and asked what a person must say."""

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records."""

    def done(self, count: int) -> None:
        """So many of them, in all."""

    def folded(self, events: int, seconds: float) -> None:
        """The log was folded from where it was left."""

    def compared(self, pointer: Pointer, compared: Compared) -> None:
        """Both copies were held against each other."""

    async def wanted(self, pointer: Pointer) -> bool:
        """Whether readers are to go over. May take its time."""

    def moved(self, pointer: Pointer) -> None:
        """Readers went over, as this pointer says."""

    async def restart(self, pointer: Pointer) -> None:
        """The projections run a fold that is not the live copy's: run this program's."""
