"""Topics in, what an import that was cut short has written already out; refuses where anything else is there.

A partition holds the beginning of its file, checked by digest, so the rest can be written behind it. Operations lie
among others: those of the file are there in their order, and as many as are found are left out.
"""

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

from aiokafka import TopicPartition

from streams import operations
from streams.archive.digest import PartitionDigest
from streams.archive.files import read
from streams.archive.layout import Manifest, Part, Stored
from streams.archive.putting import NOTHING
from streams.codec import Undecodable
from streams.exits import Refused
from streams.kafka.offsets import Extent, opened
from streams.kafka.topic_reading import records
from streams.operations import CooledOff, CoolOffEnded, Dropped, GapAccepted, LogImported, PolicyChanged, Redriven
from streams.topics import EVENTS, OPERATIONS

STILL_TRUE = (CooledOff, CoolOffEnded, Dropped, GapAccepted, PolicyChanged, Redriven)
"""The operations that are imported. The rest is about the other system's tables and jobs: a replay that was under way
there would go on here."""
ELSEWHERE = "import into a new system (another TIDINGS_HOME, or another KAFKA_URL and MONGO_DATABASE)"


async def begun(url: str, manifest: Manifest) -> bool:
    """Whether an import of this log was begun and has not ended. Raises `Refused` if one of another log was."""
    place = TopicPartition(OPERATIONS, 0)
    async with opened(url) as offsets:
        extents = await offsets.extents([place])
    last: LogImported | None = None
    async with aclosing(records(url, extents)) as batches:
        async for batch in batches:
            for record in batch:
                last = _imported(record.value) or last
    if last is None or last.ended or not last.digest:  # an earlier program, which kept none, could not go on
        return False
    if last.digest != manifest.digest:
        raise Refused(
            f"an import was begun here and cut short, of a log with the digest {last.digest}, and this one has "
            f"{manifest.digest}: go on with that one, or {ELSEWHERE}"
        )
    return True


async def taken(url: str, folder: Path, manifest: Manifest, part: Part, extent: Extent) -> int:
    """How many records of a part are there already, of those that are imported. Raises `Refused`."""
    place, file = TopicPartition(part.topic, part.partition), _records(folder, manifest, part)
    if part.topic == OPERATIONS:
        return await _found(url, place, extent, file)
    count = min(extent.end, part.end)
    beyond = part.topic == EVENTS and extent.end > part.end
    if extent.first or beyond or await _digest(url, place, count) != _beginning(file, count):
        raise Refused(
            f"expected the beginning of {part.file} in {place.topic}[{place.partition}], up to offset {extent.end}; "
            f"something else was written there meanwhile: {ELSEWHERE}"
        )
    return count


async def refuse_requests(url: str, place: TopicPartition, extent: Extent) -> None:
    """Raises `Refused` if there are any among the records without anything in them: they would be removed."""
    async with aclosing(records(url, {place: extent})) as batches:
        async for batch in batches:
            for record in batch:
                if record.value != NOTHING:
                    raise Refused(
                        f"{place.topic}[{place.partition}] has a request at offset {record.offset}, which the import "
                        f"would remove: somebody started workers before it had ended; {ELSEWHERE}"
                    )


def still_true(part: Part, batch: Sequence[Stored]) -> list[Stored]:
    """Those of them that are imported."""
    return list(batch) if part.topic != OPERATIONS else [record for record in batch if _still_true(record)]


def _records(folder: Path, manifest: Manifest, part: Part) -> Iterator[Stored]:
    for batch in read(folder / part.file, manifest.format):
        yield from still_true(part, batch)


async def _found(url: str, place: TopicPartition, extent: Extent, file: Iterator[Stored]) -> int:
    count, following = 0, next(file, None)
    async with aclosing(records(url, {place: extent})) as batches:
        async for batch in batches:
            for record in batch:
                if following is not None and (record.key, record.value) == (following.key, following.value):
                    count, following = count + 1, next(file, None)
    return count


async def _digest(url: str, place: TopicPartition, end: int) -> bytes:
    digest = PartitionDigest()
    async with aclosing(records(url, {place: Extent(0, end)}, gaps=False)) as batches:
        async for batch in batches:
            for record in batch:
                digest.add(record.offset, record.key, record.value)
    return digest.digest()


def _beginning(file: Iterator[Stored], end: int) -> bytes:
    digest = PartitionDigest()
    for record in file:
        if record.offset >= end:
            break
        digest.add(record.offset, record.key, record.value)
    return digest.digest()


def _imported(value: bytes | None) -> LogImported | None:
    try:
        done = operations.read(value).done
    except Undecodable:
        return None
    return done if isinstance(done, LogImported) else None


def _still_true(record: Stored) -> bool:
    try:
        return isinstance(operations.read(record.value).done, STILL_TRUE)
    except Undecodable:
        return False
