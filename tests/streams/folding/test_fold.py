"""The fold as a whole process, on a real broker: how it starts, what it refuses, and how it leaves."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete

from streams import operations
from streams.codec import encode
from streams.events import Body, CameDue, Event, Sending
from streams.exits import Exit, Refused
from streams.folding.fold import refuse_a_lost_end
from streams.kafka.publisher import Publisher
from streams.record import Record
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, OPERATIONS
from tests.support.broker import admin
from tests.support.kafka import events, read, read_until
from tests.torture.supervisor import Supervisor, supervisor
from tests.torture.worker import Faults

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Toy:
    """One worker of the toy processor, and hands for its topics."""

    def __init__(self, workers: Supervisor, publisher: Publisher) -> None:
        self.workers, self._publisher = workers, publisher

    async def feed(self, *numbers: int, change: tuple[bytes, bytes] = (b"", b"")) -> None:
        """One event each, all in partition 0; `change` replaces bytes in them."""
        for number in numbers:
            body: Body = Sending(number, NOW, "")
            event = Event(body, f"n{number % 3}", NOW + timedelta(seconds=number), "test", "c")
            value = encode(event).replace(*change) if change[0] else encode(event)
            await self.write("in", b"recipient", value)

    async def write(self, topic: str, key: bytes, value: bytes) -> None:
        await self._publisher.publish([Record(f"{self.workers.run}-{topic}", key, value, 0)])

    async def works_through(self, faults: Faults | None = None) -> None:
        self.workers.up("w", faults)
        await self.workers.until_done(120)
        await self.workers.down("w")
        assert self.workers.exits == []

    async def leaves_with(self, code: Exit, faults: Faults | None = None) -> str:
        """Start the worker, wait until it has ended by itself with this code; returns its log."""
        self.workers.up("w", faults)
        assert await self.workers.until_ended("w", 120) == code
        return (self.workers.home / "w.log").read_text()

    async def told(self) -> list[str]:
        """The ids on the output topic."""
        return [event.id for event in events(await read(self.workers.url, f"{self.workers.run}-out"))]


@pytest.fixture
async def toy(servers: Settings, tmp_path: Path) -> AsyncIterator[Toy]:
    workers, publisher = await supervisor(servers.kafka_url, tmp_path), Publisher(servers.kafka_url)
    await publisher.start()
    yield Toy(workers, publisher)
    await publisher.stop()
    for name in list(workers.workers):
        await workers.down(name)


async def test_a_restarted_worker_goes_on_where_it_was(toy: Toy) -> None:
    await toy.feed(1, 2, 3)
    await toy.works_through()
    await toy.feed(4, 5)
    await toy.works_through()
    said = events(await read(toy.workers.url, f"{toy.workers.run}-out"))
    assert [event.id for event in said] == [f"n{number % 3}:send-failed:{number}" for number in range(1, 6)]
    counts = [event.body.error.split(":")[0] for event in said]  # type: ignore[union-attr]
    assert counts == ["1", "1", "1", "2", "2"]


async def test_poison_is_put_aside_with_its_place_and_the_rest_goes_on(toy: Toy) -> None:
    await toy.feed(1)
    await toy.write("in", b"recipient", b"\xff" * 1_900_000)
    await toy.feed(2, change=(b'"worker":""', b'"worker":"raises"'))
    await toy.feed(4)
    await toy.works_through()
    source = f"{toy.workers.run}-in"
    letters = [json.loads(record.value)["data"] for record in await read(toy.workers.url, DEAD_LETTERS)]
    ours = [letter for letter in letters if letter["source"]["name"] == source]
    assert [(letter["reason"], letter["source"]["offset"]) for letter in ours] == [
        ("undecodable", 1),
        ("rule-failed", 2),
    ]
    assert (ours[0]["size"], ours[0]["truncated"], ours[0]["stage"]) == (1_900_000, True, toy.workers.run)
    assert await toy.told() == ["n1:send-failed:1", "n1:send-failed:4"]


async def test_an_event_from_a_newer_program_stops_the_worker_after_what_came_before(toy: Toy) -> None:
    await toy.feed(1, 2)
    await toy.feed(3, change=(b"sending.v1", b"sending.v2"))
    await toy.feed(4)
    for _ in range(2):
        assert "upgrade this program" in await toy.leaves_with(Exit.UPGRADE)
        assert await toy.told() == ["n1:send-failed:1", "n2:send-failed:2"]


async def test_rows_without_committed_offsets_are_refused(toy: Toy) -> None:
    await toy.write(
        "tally-changelog", b"n1", b'{"v":1,"at":7,"state":{"notification":"n1","changed":"2026-05-04T12:00:00Z"}}'
    )
    told = await toy.leaves_with(Exit.REFUSED)
    assert f"{toy.workers.run}-in[0] with {toy.workers.run}-tally-changelog" in told
    assert "got committed None, applied None, 1 rows" in told


async def test_committed_offsets_without_a_changelog_are_refused(toy: Toy) -> None:
    await toy.feed(1)
    await toy.works_through()
    async with admin(toy.workers.url) as client:
        place = TopicPartition(f"{toy.workers.run}-tally-changelog", 0)
        await client.delete_records({place: RecordsToDelete(-1)})
    assert "got committed 1, applied None" in await toy.leaves_with(Exit.REFUSED)


async def test_a_first_start_that_was_interrupted_is_done_again(toy: Toy) -> None:
    await toy.write("tally-changelog", b"\x00applied", b'{"applied":0,"fresh":true}')
    await toy.feed(1)
    await toy.works_through()
    assert await toy.told() == ["n1:send-failed:1"]


async def test_a_first_start_that_was_interrupted_twice_is_done_again(toy: Toy) -> None:
    for _ in range(2):
        await toy.write("tally-changelog", b"\x00applied", b'{"applied":0,"fresh":true}')
    await toy.feed(1)
    await toy.works_through()
    assert await toy.told() == ["n1:send-failed:1"]


async def test_a_first_start_can_be_vetoed(toy: Toy) -> None:
    told = await toy.leaves_with(Exit.REFUSED, Faults(veto="dispatches were written"))
    assert "was never folded, but dispatches were written" in told


async def test_what_retention_removed_unread_stops_the_worker_unless_the_loss_is_accepted(toy: Toy) -> None:
    await toy.feed(1)
    await toy.works_through()
    await toy.feed(2, 3, 4)
    async with admin(toy.workers.url) as client:
        await client.delete_records({TopicPartition(f"{toy.workers.run}-in", 0): RecordsToDelete(3)})
    assert "the records from offset 1 to 2 (2 of them) were removed" in await toy.leaves_with(Exit.REFUSED)
    toy.workers.exits.clear()
    await toy.works_through(Faults(accept_gaps=True))
    assert await toy.told() == ["n1:send-failed:1", "n1:send-failed:4"]
    run, operated = toy.workers.run, await read(toy.workers.url, OPERATIONS)
    accepted = [operations.read(record.value) for record in operated]
    ours = [event.done for event in accepted if event.source == run]
    assert ours == [operations.GapAccepted(run, f"{run}-in", 0, 1, 3)]


def test_a_source_that_lost_its_tail_stops_the_worker_while_it_runs() -> None:
    refuse_a_lost_end("in", {0: 5, 1: 0}, {0: 5, 1: 9})
    with pytest.raises(Refused, match=r"in\[1\]: expected it to reach offset 3.*it ends at 2"):
        refuse_a_lost_end("in", {0: 5, 1: 3}, {0: 5, 1: 2})


async def test_timers_fire_on_time_and_come_back_through_the_source(toy: Toy) -> None:
    await toy.feed(1)
    toy.workers.up("w")
    async with asyncio.timeout(120):
        await read_until(toy.workers.url, f"{toy.workers.run}-out", bool)
    first, due = datetime.now(UTC) + timedelta(seconds=3), dict[int, datetime]()  # by then all are written and folded
    for number in range(10, 210, 10):
        due[number] = first + timedelta(milliseconds=20 * number)
        event = Event(Sending(number, due[number], ""), f"t{number}", NOW, "test", "c")
        await toy.write("in", b"recipient", encode(event))
    await toy.workers.until_done(120)
    await toy.workers.down("w")
    commands = events(await read(toy.workers.url, f"{toy.workers.run}-in"))
    fired = {event.body.dispatch: event.time for event in commands if isinstance(event.body, CameDue)}
    late = sorted((fired[number] - due[number]).total_seconds() for number in due)
    assert len(fired) == 20
    assert late[0] >= 0
    assert late[10] < 0.1
