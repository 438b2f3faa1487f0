"""The files of an export, in either format."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from streams.archive import jsonl, parquet
from streams.archive.layout import Format, Stored


class Sink(Protocol):
    """Takes records in their order."""

    def add(self, records: Sequence[Stored]) -> None:
        """The next ones."""

    def close(self) -> None:
        """All of them are in the file then."""


def sink(path: Path, format_: Format) -> Sink:
    """A new file."""
    return parquet.ParquetSink(path) if format_ == "parquet" else jsonl.JsonSink(path)


def read(path: Path, format_: Format) -> Iterator[list[Stored]]:
    """Batches of what is in a file. Raises `Damaged` and `OSError`."""
    return parquet.read(path) if format_ == "parquet" else jsonl.read(path)
