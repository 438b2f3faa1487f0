"""Which stack a trial runs on: the one that is up if it will do, else a new one."""

from contextlib import ExitStack

from tests.chaos.bed import FULL, Bed, bed


class Beds:
    """One stack is up at a time."""

    def __init__(self) -> None:
        self._up = ExitStack()
        self._bed: Bed | None = None
        self._environment: dict[str, str] = {}

    def get(self, **environment: str) -> Bed:
        """A stack with these environment variables, on which nothing is open."""
        now = self._bed
        if now is None or now.spoiled or now.ledger.events > FULL or environment != self._environment:
            self.close()
            self._bed, self._environment = self._up.enter_context(bed(**environment)), environment
        assert self._bed is not None
        return self._bed

    def close(self) -> None:
        """Down with it."""
        self._up.close()
        self._bed = None
