"""An import that is killed goes on when it is started again, with the same result; it refuses what is not its own."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from msgspec.structs import replace

from streams import admit, lifecycle, operations
from streams.archive.digest import PartitionDigest, of_log
from streams.archive.files import sink
from streams.archive.layout import AT_ONCE, MANIFEST, Manifest, Part, Stored, encoded, file_name
from streams.clock import milliseconds
from streams.codec import encode
from streams.events import Accepted, Body, Event, Origin, Suppressed
from streams.kafka.offsets import opened
from streams.operations import GapAccepted, LogImported, PolicyChanged
from streams.topics import DEAD_LETTERS, EVENTS, OPERATIONS, REQUESTS, changelog, partition_for
from tests.projections.lives import START, Events, at, many
from tests.support.kafka import read, write
from tests.support.stack import OwnStack, own_stack, wait_until

PARTITIONS = 4
NOTIFICATIONS, PARTS = 12_000, 60
FAR = 5_000_000
Records = dict[tuple[str, int], list[Stored]]
DONE = [
    operations.Event(PolicyChanged("type", "LIKE", 3), at(1), "gateway", "ada"),
    operations.Event(LogImported({0: 1}), at(2), "import", "ada"),
    operations.Event(GapAccepted("bridge", "elsewhere", 0, 1, 2), at(3), "bridge", "ada"),
]
"""The second is about the other system, and not imported."""


def numbered(log: Events) -> Events:
    """Decided about requests that lie one after the other."""
    numbers = count()

    def one(event: Event[Body]) -> Event[Body]:
        if not isinstance(event.body, Accepted | Suppressed):
            return event
        number = next(numbers)
        return replace(event, body=replace(event.body, origin=Origin(number % PARTITIONS, number // PARTITIONS)))

    return [one(event) for event in log]


def exported(folder: Path, log: Events) -> Records:
    """As an export of such a log would be; what it has, by topic and partition."""
    found: Records = {(EVENTS, number): [] for number in range(PARTITIONS)}
    for number, event in enumerate(log):
        key = event.notification.encode()
        part = found[EVENTS, partition_for(key, PARTITIONS)]
        part.append(Stored(len(part), milliseconds(START) + number, key, encode(event)))
    told = [operations.to_record(one) for one in DONE]
    found[OPERATIONS, 0] = [Stored(number, milliseconds(START), one.key, one.value) for number, one in enumerate(told)]
    found[DEAD_LETTERS, 0] = [Stored(number, milliseconds(START), b"k", b"\xff") for number in range(3)]
    folder.mkdir()
    parts = [_part(folder, *place, records) for place, records in found.items()]
    digest = of_log(bytes.fromhex(part.digest) for part in parts if part.topic == EVENTS)
    manifest = Manifest("parquet", START + timedelta(days=1), PARTITIONS, tuple(parts), digest)
    (folder / MANIFEST).write_bytes(encoded(manifest))
    return found


def _part(folder: Path, topic: str, partition: int, records: Sequence[Stored]) -> Part:
    name, digest = file_name(topic, partition, "parquet"), PartitionDigest()
    file = sink(folder / name, "parquet")
    for begin in range(0, len(records), AT_ONCE):
        file.add(records[begin : begin + AT_ONCE])
    file.close()
    for one in records:
        digest.add(one.offset, one.key, one.value)
    return Part(name, topic, partition, 0, len(records), len(records), digest.digest().hex())


@pytest.fixture(scope="module")
def stack() -> Iterator[OwnStack]:
    with own_stack(PARTITIONS=str(PARTITIONS), RECIPIENT_SECRET="s", SESSION_TIMEOUT="6") as own:
        own.run("up", "--detach")
        yield own


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Records]:
    folder = tmp_path_factory.mktemp("exports") / "one"
    log = [one for part in range(PARTS) for one in many(NOTIFICATIONS // PARTS, f"{part}-")]
    return folder, exported(folder, numbered(log))


def begun(stack: OwnStack) -> bool:
    return bool(asyncio.run(read(stack.settings.kafka_url, OPERATIONS)))


def written(stack: OwnStack) -> int:
    """Records on the log."""

    async def ask() -> int:
        places = [TopicPartition(EVENTS, number) for number in range(PARTITIONS)]
        async with opened(stack.settings.kafka_url) as offsets:
            return sum(extent.end for extent in (await offsets.extents(places)).values())

    return asyncio.run(ask())


def killed_once(stack: OwnStack, folder: Path, reached: Callable[[], bool]) -> None:
    """The import, ended by SIGKILL when it has come that far."""
    process = subprocess.Popen(
        stack.command("import", str(folder)),
        env=stack.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: process.poll() is not None or reached(), 120, lambda: "it does not get there")
    finally:
        process.kill()
        told, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, told.decode()


def test_killed_again_and_again_it_comes_to_the_same(
    stack: OwnStack, export: tuple[Path, Records], tmp_path: Path
) -> None:
    folder, records = export
    total = sum(len(some) for (topic, _), some in records.items() if topic == EVENTS)
    killed_once(stack, folder, lambda: begun(stack))
    another = tmp_path / "another"
    exported(another, numbered(many(9)))
    refused = stack.run("import", str(another), check=False)
    assert (refused.returncode, "an import was begun here and cut short" in refused.stdout) == (1, True), refused.stdout
    killed_once(stack, folder, lambda: written(stack) > 0)
    assert written(stack) < total
    killed_once(stack, folder, lambda: written(stack) == total)
    stack.run("import", str(folder))
    assert on(stack, EVENTS) == [one for (topic, _), some in sorted(records.items()) if topic == EVENTS for one in some]
    assert on(stack, DEAD_LETTERS) == records[DEAD_LETTERS, 0]
    told = [one.value for one in asyncio.run(read(stack.settings.kafka_url, OPERATIONS))]
    assert [told.count(one.value) for one in records[OPERATIONS, 0]] == [1, 0, 1]
    report = json.loads(stack.run("audit", "--json", check=False).stdout)
    assert (report["findings"], report["counts"]["requests"]) == ([], NOTIFICATIONS)
    assert report["digests"]["log"] == json.loads((folder / MANIFEST).read_text())["digest"]
    assert report["stored"] == {name: report["digests"][name] for name in report["stored"]}


def test_one_that_has_ended_is_not_done_again(stack: OwnStack, export: tuple[Path, Records]) -> None:
    again = stack.run("import", str(export[0]), check=False)
    assert (again.returncode, "expected empty read models" in again.stdout) == (1, True), again.stdout


@pytest.mark.parametrize("topic", [EVENTS, REQUESTS])
def test_one_that_was_cut_short_refuses_what_others_wrote_meanwhile(tmp_path: Path, topic: str) -> None:
    folder = tmp_path / "export"
    exported(folder, [*many(9), far_on(partition_for(b"k", PARTITIONS))])
    with own_stack(PARTITIONS=str(PARTITIONS), RECIPIENT_SECRET="s", SESSION_TIMEOUT="6") as other:
        other.run("up", "--detach")
        killed_once(other, folder, lambda: begun(other))
        asyncio.run(write(other.settings.kafka_url, topic, (b"k", b"mine")))
        before = marked(other)
        refused = other.run("import", str(folder), check=False)
        assert (refused.returncode, marked(other)) == (1, before)
        assert "would remove" in refused.stdout or "something else was written" in refused.stdout, refused.stdout


def far_on(partition: int) -> Event[Body]:
    """Decided about a request so late that an import is long at passing over the places before it."""
    [event] = (event for event in many(1, "far") if isinstance(event.body, Accepted))
    return replace(event, body=replace(event.body, origin=Origin(partition, FAR)))


def marked(stack: OwnStack) -> dict[str, int]:
    """Records of the processors' changelogs: one that is marked refuses to start."""
    topics = (changelog("admit", admit.TABLE), changelog("lifecycle", lifecycle.TABLE))
    return {topic: len(asyncio.run(read(stack.settings.kafka_url, topic))) for topic in topics}


def on(stack: OwnStack, topic: str) -> list[Stored]:
    found = asyncio.run(read(stack.settings.kafka_url, topic))
    lie = sorted(found, key=lambda one: (one.partition, one.offset))
    return [Stored(one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in lie]
