"""The notifications that were touched last, so that their next event needs no read."""

from collections.abc import Iterable, Mapping

from projections.present.jobs import Standing

CAPACITY = 20_000
"""Notifications, of about 0.7 kB each: those of the last 24 s at 833/s, when most are through with their retries."""


class Cache:
    """A bounded map that forgets what was not touched for longest."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._standings: dict[str, Standing] = {}

    def find(self, notifications: Iterable[str]) -> dict[str, Standing]:
        """Those of them that are held."""
        held = self._standings
        return {name: held[name] for name in notifications if name in held}

    def keep(self, standings: Mapping[str, Standing]) -> None:
        """Hold these, as the newest."""
        for name, standing in standings.items():
            self._standings.pop(name, None)
            self._standings[name] = standing
        for name in list(self._standings)[: max(len(self._standings) - self._capacity, 0)]:
            del self._standings[name]

    def clear(self) -> None:
        """Forget all: somebody else may have moved them."""
        self._standings.clear()
