"""The stories of a partition: a bounded number in memory, the rest in a file until they are touched again."""

import pickle
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

HELD = 50_000
"""Stories of about 1.7 kB, so 85 MB a process."""
ASKED = 500
"""Ids in one question to SQLite."""

ItemT = TypeVar("ItemT")
StoryT = TypeVar("StoryT")


class Spill(Generic[StoryT]):
    """`stories` are those in memory. Whoever wants others there calls `fetch` first."""

    def __init__(
        self,
        path: Path,
        held: int = HELD,
        dumps: Callable[[StoryT], bytes] = pickle.dumps,
        loads: Callable[[bytes], StoryT] = pickle.loads,
    ) -> None:
        self.stories: dict[str, StoryT] = {}
        self._held, self._dumps, self._loads = held, dumps, loads
        self._resting = 0
        self._base = opened(path)
        self._base.execute("CREATE TABLE resting (id TEXT PRIMARY KEY, story BLOB) WITHOUT ROWID")

    def fetch(self, names: Iterable[str]) -> None:
        """Have these in memory, if there are such stories."""
        if not self._resting:
            return
        for chunk in chunks([name for name in names if name not in self.stories], ASKED):
            found = self._base.execute(f"SELECT id, story FROM resting WHERE id IN ({marks(chunk)})", chunk)  # noqa: S608
            self.stories |= {name: self._loads(story) for name, story in found}

    def settle(self) -> None:
        """Put the stories that were begun or fetched longest ago into the file, if there are too many."""
        if len(self.stories) <= self._held:
            return
        leaving = list(islice(self.stories, len(self.stories) - self._held // 2))
        rows = ((name, self._dumps(self.stories.pop(name))) for name in sorted(leaving))
        with self._base:
            self._base.executemany("INSERT OR REPLACE INTO resting VALUES (?, ?)", rows)
        self._resting += len(leaving)

    def everything(self) -> Iterator[tuple[str, StoryT]]:
        """All stories, in memory or not."""
        yield from self.stories.items()
        for name, story in self._base.execute("SELECT id, story FROM resting"):
            if name not in self.stories:
                yield name, self._loads(story)

    def close(self) -> None:
        """Forget all of them."""
        self.stories.clear()
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
