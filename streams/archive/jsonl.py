"""Records to JSON lines and back, byte for byte."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from streams.archive.layout import AT_ONCE, Damaged, Stored

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


def read(path: Path) -> Iterator[list[Stored]]:
    """Batches of what is in a file. Raises `Damaged` and `OSError`."""
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
