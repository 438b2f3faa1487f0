"""What was recorded, in the order in which admit had it: kept in a file, so that a long log needs no more memory."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec

from projections.audit.spill import opened
from projections.whatif.recorded import Recorded
from streams.codec import decode, encode
from streams.events import Event, Noted

Case = Recorded | Event[Noted]


class Cases:
    """By partition and offset of `notification-requests`. Of two at one place the last stands: they are the same."""

    def __init__(self, path: Path) -> None:
        self._base = opened(path)
        self._base.execute(
            "CREATE TABLE cases (partition INT, place INT, noted INT, value BLOB, PRIMARY KEY (partition, place)) "
            "WITHOUT ROWID"
        )
        self._decoder = msgspec.msgpack.Decoder(Recorded)

    def add(self, cases: Iterable[Case]) -> None:
        """Keep them."""
        encoder = msgspec.msgpack.Encoder()
        with self._base:
            self._base.executemany(
                "INSERT OR REPLACE INTO cases VALUES (?, ?, ?, ?)",
                (
                    (*case.origin, 0, encoder.encode(case))
                    if isinstance(case, Recorded)
                    else (case.body.origin.partition, case.body.origin.offset, 1, encode(case))
                    for case in cases
                ),
            )

    def __len__(self) -> int:
        return int(self._base.execute("SELECT count(*) FROM cases").fetchone()[0])

    def by_partition(self) -> Iterator[Iterator[Case]]:
        """Each partition's, in order; to be read one after the other."""
        rows = self._base.execute("SELECT partition, noted, value FROM cases ORDER BY partition, place")
        for _, group in groupby(rows, itemgetter(0)):
            yield (self._read(noted, value) for _, noted, value in group)

    def _read(self, noted: int, value: bytes) -> Case:
        return decode(value) if noted else self._decoder.decode(value)  # type: ignore[return-value]

    def close(self) -> None:
        """Forget all of it."""
        self._base.close()
