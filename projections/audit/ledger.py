"""What should be, by notification, in a file: held against what is, of which no more than a batch is in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from projections import fingerprints
from projections.audit.folds import Expected
from projections.audit.spill import ASKED, chunks, marks, opened

NOTHING = bytes(fingerprints.SIZE)


class Row(NamedTuple):
    """A notification: `job` is the fingerprint of its document, or None if there should be none.

    `tale` is the sum over its `lines` lines of NotificationLog; `waits` the dispatch whose lane record must be unread.
    """

    id: str
    job: bytes | None
    position: int
    tale: bytes
    lines: int
    waits: int | None


class Tally(NamedTuple):
    """Lines of one notification that were found: the sum of their fingerprints, and how many."""

    tale: int
    lines: int


class Ledger:
    """The rows of one partition of the log. They are struck off as what they stand for is found."""

    def __init__(self, path: Path) -> None:
        self._base = opened(path)
        self._base.create_function("minus", 2, _minus, deterministic=True)
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS expected (id TEXT PRIMARY KEY, job BLOB, position INTEGER, tale BLOB, "
            "lines INTEGER, waits INTEGER, found INTEGER DEFAULT 0) WITHOUT ROWID"
        )

        self._base.execute(
            "CREATE TABLE IF NOT EXISTS documents (part TEXT, id TEXT, print BLOB, found INTEGER DEFAULT 0, "
            "PRIMARY KEY (part, id)) WITHOUT ROWID"
        )

    def write(self, rows: Iterable[Row]) -> None:
        """Expect these."""
        with self._base:
            self._base.executemany("INSERT INTO expected VALUES (?, ?, ?, ?, ?, ?, 0)", rows)

    def expect(self, documents: Iterable[Expected]) -> None:
        """And these."""
        rows = ((one.part, one.id, one.print.to_bytes(fingerprints.SIZE, "little")) for one in documents)
        with self._base:
            self._base.executemany("INSERT INTO documents VALUES (?, ?, ?, 0)", rows)

    def find(self, part: str, names: Sequence[str]) -> dict[str, int]:
        """The fingerprints of those documents of a collection that are expected; they are struck off."""
        found: dict[str, int] = {}
        for chunk in chunks(names, ASKED):
            where = f"part = ? AND id IN ({marks(chunk)})"
            rows = self._base.execute(f"SELECT id, print FROM documents WHERE {where}", (part, *chunk))  # noqa: S608
            found |= {name: int.from_bytes(print_, "little") for name, print_ in rows}
            with self._base:
                self._base.execute(f"UPDATE documents SET found = 1 WHERE {where}", (part, *chunk))  # noqa: S608
        return found

    def missing(self) -> Iterator[tuple[str, str]]:
        """Documents that were not found: their collections and ids."""
        yield from self._base.execute("SELECT part, id FROM documents WHERE NOT found")

    def jobs(self, names: list[str]) -> dict[str, tuple[bytes | None, int]]:
        """Fingerprint and position of those of them that are known here."""
        found: dict[str, tuple[bytes | None, int]] = {}
        for chunk in chunks(names, ASKED):
            rows = self._base.execute(f"SELECT id, job, position FROM expected WHERE id IN ({marks(chunk)})", chunk)  # noqa: S608
            found |= {name: (job, position) for name, job, position in rows}
        return found

    def strike_jobs(self, names: Iterable[str]) -> None:
        """The documents of these were found, whatever was in them."""
        self._update("found = 1 WHERE id = ?", ((name,) for name in names))

    def strike_lines(self, tallies: Mapping[str, Tally]) -> set[str]:
        """Lines of these were found; returns those that are not known here."""
        rows = [
            (tally.tale.to_bytes(fingerprints.SIZE, "little"), tally.lines, name) for name, tally in tallies.items()
        ]
        if self._update("tale = minus(tale, ?), lines = lines - ? WHERE id = ?", rows) == len(rows):
            return set()
        return tallies.keys() - self.jobs(list(tallies)).keys()

    def strike_waits(self, attempts: Iterable[tuple[str, int]]) -> None:
        """These dispatches were found in a lane, unread."""
        self._update("waits = NULL WHERE id = ? AND waits = ?", attempts)

    def excuse(self, names: Iterable[str]) -> None:
        """What the read models should have of these can't be told."""
        self._update(f"job = NULL, tale = x'{NOTHING.hex()}', lines = 0 WHERE id = ?", ((name,) for name in names))

    def without_job(self) -> Iterator[str]:
        """Notifications whose document was not found."""
        return self._ids("job IS NOT NULL AND NOT found")

    def without_story(self) -> Iterator[str]:
        """Notifications of which other lines were found than expected."""
        return self._ids(f"lines != 0 OR tale != x'{NOTHING.hex()}'")

    def waits(self) -> bool:
        """Whether any notification must have a lane record."""
        return next(self.waiting(), None) is not None

    def waiting(self) -> Iterator[tuple[str, int]]:
        """Notifications, and dispatches of theirs that are in no lane."""
        yield from self._base.execute("SELECT id, waits FROM expected WHERE waits IS NOT NULL")

    def shared(self, other: Path) -> list[str]:
        """Ids that another partition has as well."""
        self._base.execute("ATTACH ? AS other", (str(other),))
        rows = self._base.execute("SELECT id FROM expected JOIN other.expected USING (id)").fetchall()
        self._base.execute("DETACH other")
        return [name for (name,) in rows]

    def shared_documents(self, other: Path) -> list[tuple[str, str]]:
        """Collections and ids of documents that another partition has as well."""
        self._base.execute("ATTACH ? AS other", (str(other),))
        rows = self._base.execute("SELECT part, id FROM documents JOIN other.documents USING (part, id)").fetchall()
        self._base.execute("DETACH other")
        return rows

    def close(self) -> None:
        """Done with it."""
        self._base.close()

    def _update(self, what: str, rows: Iterable[tuple[object, ...]]) -> int:
        with self._base:
            return self._base.executemany(f"UPDATE expected SET {what}", rows).rowcount  # noqa: S608

    def _ids(self, where: str) -> Iterator[str]:
        for (name,) in self._base.execute(f"SELECT id FROM expected WHERE {where}"):  # noqa: S608
            yield name


def _minus(whole: bytes, part: bytes) -> bytes:
    difference = int.from_bytes(whole, "little") - int.from_bytes(part, "little")
    return (difference & fingerprints.MASK).to_bytes(fingerprints.SIZE, "little")
