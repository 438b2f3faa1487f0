from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from streams.archive.files import read, sink
from streams.archive.layout import Damaged, Format, Stored
from streams.clock import milliseconds
from streams.codec import encode
from tests.projections.lives import accepted, at, life

FORMATS: tuple[Format, ...] = ("parquet", "jsonl")
LOG = [encode(event) for event in life(accepted("n"), "fs")]
VALUES = st.one_of(
    st.none(),
    st.binary(max_size=50),
    st.sampled_from(
        [*LOG, b"{}", b'{"a" : 1,\t"a":2}', b'{"a":1}\n', b'{"a":"\xff"}', b'{"a":1} ', b"{a}", b"\xc3\xa9"]
    ),
)
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.one_of(st.none(), st.binary(max_size=5))), max_size=2).map(tuple)
RECORDS = st.lists(
    st.builds(
        Stored,
        st.integers(0, 2**60),
        st.integers(0, 2**40),
        st.one_of(st.none(), st.binary(max_size=9)),
        VALUES,
        HEADERS,
    ),
    max_size=9,
)


def written(path: Path, format_: Format, records: Sequence[Stored]) -> list[Stored]:
    file = sink(path, format_)
    for start in range(0, len(records), 2):
        file.add(records[start : start + 2])
    file.close()
    return [record for batch in read(path, format_) for record in batch]


@given(RECORDS)
@pytest.mark.parametrize("format_", FORMATS)
def test_whatever_lay_on_a_topic_comes_back_byte_for_byte(format_: Format, records: list[Stored]) -> None:
    with TemporaryDirectory() as folder:
        assert written(Path(folder) / "part", format_, records) == records


def test_json_lines_hold_the_events_for_other_tools(tmp_path: Path) -> None:
    path = tmp_path / "part"
    written(path, "jsonl", [Stored(7, 1, b"k", LOG[0])])
    line = orjson.loads(path.read_bytes())
    assert (line["offset"], line["event"]) == (7, orjson.loads(LOG[0]))


def test_parquet_has_columns_of_what_the_events_say(tmp_path: Path) -> None:
    path = tmp_path / "part"
    written(path, "parquet", [Stored(7, 1, b"k", LOG[0]), Stored(8, 1, b"k", b"\xff")])
    first, second = parquet.read_table(path).to_pylist()
    assert (first["type"], first["subject"]) == ("tidings.notification.accepted.v1", "n")
    assert milliseconds(first["time"]) == milliseconds(at(0))
    assert (second["type"], second["time"], second["value"]) == (None, None, b"\xff")


@pytest.mark.parametrize("format_", FORMATS)
def test_another_file_is_damaged(tmp_path: Path, format_: Format) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"nonsense\n")
    with pytest.raises(Damaged, match="part"):
        list(read(path, format_))
