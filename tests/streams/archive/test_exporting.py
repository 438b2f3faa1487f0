"""Exports of a real log: all of it, and parts that make it up."""

import asyncio
import resource
from datetime import timedelta
from pathlib import Path

import pytest

from streams.archive.checking import check, manifest_of
from streams.archive.exporting import Taken, Unwritable, Wanted, export
from streams.archive.files import read
from streams.archive.layout import TOPICS, Format, Manifest, Stored
from streams.clock import from_milliseconds
from streams.settings import Settings
from streams.topics import EVENTS
from tests.projections.lives import many
from tests.projections.stored import publish
from tests.support import kafka

Lie = dict[tuple[str, int, int], Stored]


async def on_topics(settings: Settings) -> Lie:
    """All that is there, by place."""
    return {
        (topic, one.partition, one.offset): Stored(one.offset, one.timestamp, one.key, one.value, tuple(one.headers))
        for topic in TOPICS
        for one in await kafka.read(settings.kafka_url, topic)
    }


def in_files(folder: Path) -> Lie:
    manifest = manifest_of(folder)
    check(folder, manifest, lambda _: None)
    return {
        (part.topic, part.partition, record.offset): record
        for part in manifest.parts
        for batch in read(folder / part.file, manifest.format)
        for record in batch
    }


async def exported(settings: Settings, folder: Path, wanted: Wanted) -> Manifest:
    return await export(settings, folder, wanted, lambda *_: None)


@pytest.mark.parametrize("format_", ["parquet", "jsonl"])
async def test_an_export_is_the_log_and_two_of_the_same_are_the_same(
    declared: Settings, tmp_path: Path, format_: Format
) -> None:
    await publish(declared, many(30, format_))
    manifests = [await exported(declared, tmp_path / name, Wanted(format_)) for name in ("one", "two")]
    assert in_files(tmp_path / "one") == await on_topics(declared)
    assert manifests[0].digest == manifests[1].digest
    assert manifests[0].parts == manifests[1].parts


async def test_parts_by_the_time_of_writing_make_up_the_whole(declared: Settings, tmp_path: Path) -> None:
    await publish(declared, many(10, "earlier"))
    await asyncio.sleep(0.01)  # the times of records are in milliseconds
    await publish(declared, many(10, "later"))
    whole = await on_topics(declared)
    middle = max(record.timestamp for (topic, *_), record in whole.items() if topic == EVENTS)
    cut = from_milliseconds(middle)
    before = await exported(declared, tmp_path / "before", Wanted(until=cut))
    await exported(declared, tmp_path / "after", Wanted(since=cut))
    first, second = in_files(tmp_path / "before"), in_files(tmp_path / "after")
    assert not first.keys() & second.keys()
    assert first | second == whole
    assert all(record.timestamp >= middle for record in second.values())
    assert before.until == cut
    none = await exported(declared, tmp_path / "none", Wanted(since=cut + timedelta(days=1)))
    assert sum(part.records for part in none.parts) == 0


async def test_what_is_in_a_folder_is_not_written_over(declared: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(Taken, match="has something in it"):
        await exported(declared, tmp_path, Wanted())


async def test_a_disk_that_takes_no_more_is_not_taken_for_a_broker_that_is_away(
    declared: Settings, tmp_path: Path
) -> None:
    await publish(declared, many(30, "full"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(Unwritable, match=r"notification-events\S* can't be written: File too large"):
            await exported(declared, tmp_path / "one", Wanted("jsonl"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
