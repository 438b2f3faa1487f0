"""Topics of Kafka in, a folder of files out. Reads only, beside whatever runs.

A part of the log is a stretch of each partition, by the times at which its records were written: so it has no holes, an
audit of the same stretch has the same digest, and the same export of it is the same again.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from aiokafka import ConsumerRecord, TopicPartition

from streams import clock
from streams.archive.digest import PartitionDigest, of_log
from streams.archive.files import Sink, sink
from streams.archive.layout import MANIFEST, TOPICS, Format, Manifest, Part, Stored, encoded, file_name
from streams.clock import milliseconds
from streams.kafka.offsets import Extent, Offsets, opened
from streams.kafka.topic_reading import records
from streams.settings import Settings
from streams.topics import EVENTS

Told = Callable[[int, int], None]
"""Is told how many records of how many are done with."""


class Taken(Exception):
    """The folder has something in it."""


class Unwritable(Exception):
    """The disk does not take what is exported."""


class Wanted(NamedTuple):
    """Records written from `since` on and before `until`; None leaves no limit."""

    format: Format = "parquet"
    since: datetime | None = None
    until: datetime | None = None


async def export(settings: Settings, folder: Path, wanted: Wanted, told: Told) -> Manifest:
    """The manifest, which is in the folder then. Raises `Taken`, `Unwritable` and aiokafka's errors."""
    _make(folder)
    extents = await _extents(settings, wanted)
    total, done = sum(extent.end - extent.first for extent in extents.values()), 0
    parts: list[Part] = []
    for place, extent in extents.items():
        path = folder / file_name(place.topic, place.partition, wanted.format)
        digest, count = PartitionDigest(), 0
        with _filled(path, wanted.format) as file:
            async with aclosing(records(settings.kafka_url, {place: extent}, gaps=False)) as batches:
                async for batch in batches:
                    stored = [_stored(record, digest) for record in batch]
                    with _writing(path):
                        file.add(stored)
                    count += len(batch)
                    told(done + count, total)
        parts.append(_part(place, extent, wanted.format, count, digest))
        done += count
    log = of_log(bytes.fromhex(part.digest) for part in parts if part.topic == EVENTS)
    manifest = Manifest(wanted.format, clock.now(), settings.partitions, tuple(parts), log, wanted.since, wanted.until)
    with _writing(folder / MANIFEST):
        (folder / MANIFEST).write_bytes(encoded(manifest))
    return manifest


def _make(folder: Path) -> None:
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    if taken:
        raise Taken(f"expected a new or an empty folder, {folder} has something in it")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What the disk says is not taken for a server that is away, whose errors are `OSError`s as well."""
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{path} can't be written: {error.strerror or error}") from error


@contextmanager
def _filled(path: Path, format_: Format) -> Iterator[Sink]:
    """Flushed and closed; closed only, if it could not be filled."""
    with _writing(path):
        file = sink(path, format_)
    try:
        yield file
    except BaseException:
        with suppress(OSError):  # of what it still holds: why it could not be written is told already
            file.close()
        raise
    with _writing(path):
        file.close()


async def _extents(settings: Settings, wanted: Wanted) -> dict[TopicPartition, Extent]:
    """The log's ends are asked for first: what was put aside of it is on the other topics then, or comes to none."""
    extents: dict[TopicPartition, Extent] = {}
    async with opened(settings.kafka_url) as offsets:
        for topic in TOPICS:
            numbers = range(settings.partitions if topic == EVENTS else 1)
            places = [TopicPartition(topic, number) for number in numbers]
            extents |= await _within(offsets, await offsets.extents(places), wanted)
    return extents


async def _within(
    offsets: Offsets, extents: Mapping[TopicPartition, Extent], wanted: Wanted
) -> dict[TopicPartition, Extent]:
    first = {place: extent.first for place, extent in extents.items()}
    end = {place: extent.end for place, extent in extents.items()}
    for bound, time in ((first, wanted.since), (end, wanted.until)):
        if time is not None:
            found = await offsets.at(extents, milliseconds(time))
            bound.update({place: extents[place].end if at is None else at for place, at in found.items()})
    return {place: Extent(first[place], max(min(end[place], extents[place].end), first[place])) for place in extents}


def _stored(record: ConsumerRecord, digest: PartitionDigest) -> Stored:
    """Goes into the digest, too."""
    digest.add(record.offset, record.key, record.value)
    return Stored(record.offset, record.timestamp, record.key, record.value, tuple(record.headers))


def _part(place: TopicPartition, extent: Extent, format_: Format, count: int, digest: PartitionDigest) -> Part:
    name = file_name(place.topic, place.partition, format_)
    return Part(name, place.topic, place.partition, *extent, count, digest.digest().hex())
