"""Records to a file and back, byte for byte: Parquet, or JSON lines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
from pyarrow import parquet

from streams.archive.layout import Format, Stored
from streams.clock import milliseconds
from streams.events import Instant

ROW_GROUP = 50_000
"""Records."""
ROW_GROUP_BYTES = 64 * 1024 * 1024
AT_ONCE = 2000
"""Records that are read together."""
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


class Damaged(ValueError):
    """A file is not what an export writes; the text says which and where."""


class Sink(Protocol):
    """Takes records in their order."""

    def add(self, records: Sequence[Stored]) -> None:
        """The next ones."""

    def close(self) -> None:
        """All of them are in the file then."""


def sink(path: Path, format_: Format) -> Sink:
    """A new file."""
    return ParquetSink(path) if format_ == "parquet" else JsonSink(path)


def read(path: Path, format_: Format) -> Iterator[list[Stored]]:
    """Batches of what is in a file. Raises `Damaged` and `OSError`."""
    return _read_parquet(path) if format_ == "parquet" else _read_json(path)


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


def _read_parquet(path: Path) -> Iterator[list[Stored]]:
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


NO_EVENT = msgspec.Raw()


class _Line(msgspec.Struct, omit_defaults=True, gc=False):
    """`key` and header values stand for bytes as Latin-1 does. `event` is the value, if it is JSON in one line."""

    offset: int
    timestamp: int
    key: str | None = None
    headers: list[tuple[str, str | None]] = []
    event: msgspec.Raw = NO_EVENT
    base64: bytes | None = None


_line_encoder, _line_decoder = msgspec.json.Encoder(), msgspec.json.Decoder(_Line)


class JsonSink:
    """A line for each record."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def add(self, records: Sequence[Stored]) -> None:
        """The next ones."""
        self._file.writelines(map(_line, records))

    def close(self) -> None:
        """Flushed."""
        self._file.close()


def _line(record: Stored) -> bytes:
    key = None if record.key is None else record.key.decode("latin-1")
    headers = [(name, None if value is None else value.decode("latin-1")) for name, value in record.headers]
    line = _Line(record.offset, record.timestamp, key, headers)
    if record.value is not None and _stands_as_it_is(record.value):
        line.event = msgspec.Raw(record.value)
    else:
        line.base64 = record.value
    return _line_encoder.encode(line) + b"\n"


def _stands_as_it_is(value: bytes) -> bool:
    """Whether it is a JSON object that a line can hold and every reader takes."""
    if not (value.startswith(b"{") and value.endswith(b"}")) or b"\n" in value or b"\r" in value:
        return False
    try:
        value.decode()
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _read_json(path: Path) -> Iterator[list[Stored]]:
    batch: list[Stored] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                batch.append(_stored(_line_decoder.decode(line)))
            except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
                raise Damaged(f"{path}, line {number}: {error}") from error
            if len(batch) == AT_ONCE:
                yield batch
                batch = []
    yield batch


def _stored(line: _Line) -> Stored:
    key = None if line.key is None else line.key.encode("latin-1")
    headers = tuple((name, None if value is None else value.encode("latin-1")) for name, value in line.headers)
    value = line.base64 if line.event is NO_EVENT else bytes(line.event)
    return Stored(line.offset, line.timestamp, key, value, headers)
