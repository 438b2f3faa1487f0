"""What is known of each of many things, by id: a bounded number in memory, the rest in a file until touched again."""

import pickle
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

HELD = 50_000
"""Of about 1.7 kB for an audit's story, so 85 MB a process."""
ASKED = 500
"""Ids in one question to SQLite."""

ItemT = TypeVar("ItemT")
ValueT = TypeVar("ValueT")


class Spill(Generic[ValueT]):
    """`held` are those in memory. Whoever wants others there calls `fetch` first."""

    def __init__(
        self,
        path: Path,
        most: int = HELD,
        dumps: Callable[[ValueT], bytes] = pickle.dumps,
        loads: Callable[[bytes], ValueT] = pickle.loads,
    ) -> None:
        self.held: dict[str, ValueT] = {}
        self._most, self._dumps, self._loads = most, dumps, loads
        self._resting = 0
        self._base = opened(path)
        self._base.execute("CREATE TABLE resting (id TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")

    def fetch(self, names: Iterable[str]) -> None:
        """Have these in memory, if they are known."""
        if not self._resting:
            return
        for chunk in chunks([name for name in names if name not in self.held], ASKED):
            found = self._base.execute(f"SELECT id, value FROM resting WHERE id IN ({marks(chunk)})", chunk)  # noqa: S608
            self.held |= {name: self._loads(value) for name, value in found}

    def settle(self) -> None:
        """Put those that were begun or fetched longest ago into the file, if there are too many."""
        if len(self.held) <= self._most:
            return
        leaving = list(islice(self.held, len(self.held) - self._most // 2))
        rows = ((name, self._dumps(self.held.pop(name))) for name in sorted(leaving))
        with self._base:
            self._base.executemany("INSERT OR REPLACE INTO resting VALUES (?, ?)", rows)
        self._resting += len(leaving)

    def everything(self) -> Iterator[tuple[str, ValueT]]:
        """All of them, in memory or not."""
        yield from self.held.items()
        for name, value in self._base.execute("SELECT id, value FROM resting"):
            if name not in self.held:
                yield name, self._loads(value)

    def close(self) -> None:
        """Forget all of them."""
        self.held.clear()
        self._base.execute("DROP TABLE resting")
        self._base.close()


def opened(path: Path) -> sqlite3.Connection:
    """A file that need not survive anything."""
    base = sqlite3.connect(path)
    base.execute("PRAGMA journal_mode = OFF")
    base.execute("PRAGMA synchronous = OFF")
    return base


def chunks(items: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    """In pieces of at most this size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def marks(values: Sequence[object]) -> str:
    """A question mark for each."""
    return ",".join("?" * len(values))
