"""An export in; whether its files are what its manifest says, and what an import must know of them, out.

Outcomes of admit, and dead letters, name the places of requests in the system that they come from. Where they are
imported, new requests must get others, or they would count as decided: `floors` are the first free ones.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from streams.archive.digest import PartitionDigest, of_log
from streams.archive.files import read
from streams.archive.layout import MANIFEST, Damaged, Manifest, Part, Stored, decoded
from streams.codec import Undecodable
from streams.intake.requests import recipient_key
from streams.letters import dead_letters
from streams.topics import DEAD_LETTERS, EVENTS, REQUESTS

Told = Callable[[int], None]
"""Is told how many records were read."""


@dataclass(slots=True)
class Known:
    """What the records said: by partition the first request offset that none names; a recipient with their key."""

    floors: Counter[int] = field(default_factory=Counter)
    recipient: tuple[str, str] | None = None

    def take(self, part: Part, records: Iterable[Stored]) -> None:
        """Learn from these."""
        if part.topic == EVENTS:
            for record in records:
                self._event(record)
        elif part.topic == DEAD_LETTERS:
            for record in records:
                self._letter(record)

    def _event(self, record: Stored) -> None:
        try:
            data = _decoder.decode(record.value or b"").data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        if data.origin is not None:
            self._named(data.origin.partition, data.origin.offset)
        if self.recipient is None and data.request is not None:
            self.recipient = data.request.personal.recipient, data.request.recipientKey

    def _letter(self, record: Stored) -> None:
        try:
            source = dead_letters.read(record.value).letter.source
        except Undecodable:
            return
        if source.name == REQUESTS and source.partition is not None and source.offset is not None:
            self._named(source.partition, source.offset)

    def _named(self, partition: int, offset: int) -> None:
        self.floors[partition] = max(self.floors[partition], offset + 1)


class _Origin(msgspec.Struct):
    partition: int
    offset: int


class _Personal(msgspec.Struct):
    recipient: str


class _Request(msgspec.Struct):
    recipientKey: str  # noqa: N815 - as on the wire
    personal: _Personal


class _Data(msgspec.Struct):
    origin: _Origin | None = None
    request: _Request | None = None


class _Outcome(msgspec.Struct):
    """An outcome of admit, as far as it matters here; other events have neither."""

    data: _Data


_decoder = msgspec.json.Decoder(_Outcome)


def manifest_of(folder: Path) -> Manifest:
    """Raises `Damaged`."""
    try:
        return decoded((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise Damaged(f"expected {folder / MANIFEST}: it is no export, or one that did not end") from error
    except msgspec.DecodeError as error:
        raise Damaged(f"{folder / MANIFEST}: {error}") from error


def check(folder: Path, manifest: Manifest, told: Told) -> Known:
    """All files are read, and their digests made again. Raises `Damaged`."""
    known, done = Known(), 0
    for part in manifest.parts:
        done += _checked(folder, manifest, part, known, lambda read, done=done: told(done + read))  # type: ignore[misc]
    if of_log(bytes.fromhex(part.digest) for part in manifest.of(EVENTS)) != manifest.digest:
        raise Damaged(f"{folder / MANIFEST}: its digest is not that of its parts")
    return known


def refuse_unless_whole(manifest: Manifest, partitions: int) -> None:
    """Raises `Damaged` for an export that can be read, and not be put into a system of so many partitions."""
    if manifest.partitions != partitions:
        raise Damaged(
            f"expected the log of {partitions} partitions, got one of {manifest.partitions}: set PARTITIONS="
            f"{manifest.partitions} before the system is first started"
        )
    for part in (*manifest.of(EVENTS), *manifest.of(DEAD_LETTERS)):
        if part.first != 0:
            raise Damaged(f"{part.file} begins at offset {part.first}: only a log from its beginning can be imported")


def refuse_other_secret(known: Known, secret: str) -> None:
    """Raises `Damaged` where a recipient's new events would not lie beside their old ones."""
    if known.recipient is None:
        return
    recipient, key = known.recipient
    if recipient_key(recipient, secret) != key:
        raise Damaged(
            "its recipients' keys were made with another secret: set RECIPIENT_SECRET to the one it came from"
        )


def _checked(folder: Path, manifest: Manifest, part: Part, known: Known, told: Told) -> int:
    digest, following = PartitionDigest(), part.first
    for batch in read(folder / part.file, manifest.format):
        for record in batch:
            if record.offset != following:
                raise Damaged(f"{folder / part.file}: expected offset {following}, got {record.offset}")
            digest.add(record.offset, record.key, record.value)
            following += 1
        known.take(part, batch)
        told(following - part.first)
    if following != part.end or digest.digest().hex() != part.digest:
        raise Damaged(
            f"{folder / part.file}: expected {part.records} records up to offset {part.end} with digest {part.digest}, "
            f"got {following - part.first} with {digest.digest().hex()}"
        )
    return part.records
