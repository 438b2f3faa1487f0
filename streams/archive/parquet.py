"""Records to Parquet and back, byte for byte."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import parquet

from streams.archive.layout import AT_ONCE, Damaged, Stored
from streams.clock import milliseconds
from streams.events import Instant

ROW_GROUP = 50_000
"""Records."""
ROW_GROUP_BYTES = 64 * 1024 * 1024
SCHEMA = pa.schema(
    [
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("headers", pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))),
        ("id", pa.string()),
        ("type", pa.string()),
        ("subject", pa.string()),
        ("time", pa.timestamp("ms", tz="UTC")),
    ]
)
"""The last four are told again from the value, for those who ask the file; they are null where it is no event."""
STORED = ["offset", "timestamp", "key", "value", "headers"]


class ParquetSink:
    """A row group is held until it is full."""

    def __init__(self, path: Path) -> None:
        self._writer = parquet.ParquetWriter(path, SCHEMA, compression="zstd")
        self._held: list[Stored] = []
        self._bytes = 0

    def add(self, records: Sequence[Stored]) -> None:
        """The next ones."""
        self._held += records
        self._bytes += sum(len(record.value or b"") for record in records)
        if len(self._held) >= ROW_GROUP or self._bytes >= ROW_GROUP_BYTES:
            self._write()

    def close(self) -> None:
        """With what is held."""
        if self._held:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        held, self._held, self._bytes = self._held, [], 0
        told = [_told(record.value) for record in held]
        columns = [
            [record.offset for record in held],
            [record.timestamp for record in held],
            [record.key for record in held],
            [record.value for record in held],
            [[{"key": name, "value": value} for name, value in record.headers] for record in held],
            [one.id for one in told],
            [one.type for one in told],
            [one.subject for one in told],
            [None if one.time is None else milliseconds(one.time) for one in told],
        ]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))


class _Told(msgspec.Struct, gc=False):
    id: str | None = None
    type: str | None = None
    subject: str | None = None
    time: Instant | None = None


_told_decoder = msgspec.json.Decoder(_Told)
_NOTHING = _Told()


def _told(value: bytes | None) -> _Told:
    try:
        return _told_decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NOTHING


def read(path: Path) -> Iterator[list[Stored]]:
    """Batches of what is in a file. Raises `Damaged` and `OSError`."""
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(AT_ONCE, columns=STORED):
                yield _rows(batch)
    except (pa.ArrowException, KeyError) as error:
        raise Damaged(f"{path}: {error}") from error


def _rows(batch: Any) -> list[Stored]:  # noqa: ANN401 - pyarrow has no types
    times = batch.column("timestamp").cast(pa.int64()).to_pylist()
    headers = [
        tuple((one["key"], one["value"]) for one in several or ()) for several in batch.column("headers").to_pylist()
    ]
    plain = (batch.column(name).to_pylist() for name in ("offset", "key", "value"))
    return [
        Stored(offset, time, key, value, told)
        for offset, key, value, time, told in zip(*plain, times, headers, strict=True)
    ]
