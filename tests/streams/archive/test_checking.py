from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from streams.archive.checking import check, manifest_of, refuse_other_secret, refuse_unless_whole
from streams.archive.digest import PartitionDigest, of_log
from streams.archive.files import sink
from streams.archive.layout import MANIFEST, Damaged, Manifest, Part, Stored, encoded
from streams.codec import encode
from streams.events import Accepted, Body, Event, Noted, Origin, Repeated
from streams.letters.dead_letters import Source, dead_letter
from streams.topics import DEAD_LETTERS, EVENTS, REQUESTS
from tests.projections.lives import event, request

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BORN: list[Event[Body]] = [
    event(Accepted(request(), "transactional", Origin(0, 7)), "a"),
    event(Repeated(Origin(1, 3)), "a"),
    event(Noted(Origin(1, 2)), "b"),
]


def exported(folder: Path, events: Sequence[bytes], letters: Sequence[bytes] = (), first: int = 0) -> Manifest:
    """A log of one partition, as an export of it would be."""
    parts = [_part(folder, EVENTS, events, first), _part(folder, DEAD_LETTERS, letters, 0)]
    manifest = Manifest("jsonl", NOW, 1, tuple(parts), of_log([bytes.fromhex(parts[0].digest)]))
    (folder / MANIFEST).write_bytes(encoded(manifest))
    return manifest


def _part(folder: Path, topic: str, values: Sequence[bytes], first: int) -> Part:
    digest, file = PartitionDigest(), sink(folder / topic, "jsonl")
    for offset, value in enumerate(values, first):
        file.add([Stored(offset, 1, b"k", value)])
        digest.add(offset, b"k", value)
    file.close()
    return Part(topic, topic, 0, first, first + len(values), len(values), digest.digest().hex())


def test_an_export_is_what_its_manifest_says(tmp_path: Path) -> None:
    exported(tmp_path, [encode(one) for one in BORN])
    read: list[int] = []
    check(tmp_path, manifest_of(tmp_path), read.append)
    assert read[-1] == len(BORN)


def test_it_knows_the_first_request_that_no_record_names(tmp_path: Path) -> None:
    letter = dead_letter(
        reason="invalid", stage="admit", error="", source=Source(REQUESTS, 1, 9), key=b"k", body=b"", time=NOW
    )
    assert letter.value is not None
    manifest = exported(tmp_path, [*(encode(one) for one in BORN), b"\xff"], [letter.value])
    assert dict(check(tmp_path, manifest, lambda _: None).floors) == {0: 8, 1: 10}


@pytest.mark.parametrize("damage", ["changed", "cut", "reordered", "missing", "digest"])
def test_a_changed_file_is_damaged(tmp_path: Path, damage: str) -> None:
    manifest = exported(tmp_path, [encode(one) for one in BORN])
    path = tmp_path / EVENTS
    lines = path.read_bytes().splitlines(keepends=True)
    match damage:
        case "changed":
            path.write_bytes(b"".join(lines).replace(b"hello", b"Hello"))
        case "cut":
            path.write_bytes(b"".join(lines[:-1]))
        case "reordered":
            path.write_bytes(b"".join(reversed(lines)))
        case "missing":
            path.unlink()
        case _:
            manifest = msgspec.structs.replace(manifest, digest="00")
    with pytest.raises((Damaged, FileNotFoundError)):
        check(tmp_path, manifest, lambda _: None)


def test_a_folder_without_a_manifest_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="did not end"):
        manifest_of(tmp_path)


def test_only_a_log_from_its_beginning_with_as_many_partitions_can_be_imported(tmp_path: Path) -> None:
    manifest = exported(tmp_path, [encode(one) for one in BORN], first=3)
    with pytest.raises(Damaged, match="PARTITIONS=1"):
        refuse_unless_whole(manifest, 4)
    with pytest.raises(Damaged, match="begins at offset 3"):
        refuse_unless_whole(manifest, 1)


def test_a_log_of_another_secret_is_refused(tmp_path: Path) -> None:
    known = check(tmp_path, exported(tmp_path, [encode(one) for one in BORN]), lambda _: None)
    refuse_other_secret(known, "s")
    with pytest.raises(Damaged, match="RECIPIENT_SECRET"):
        refuse_other_secret(known, "another")
