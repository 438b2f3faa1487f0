from datetime import UTC, datetime

import msgspec

from streams import operations
from streams.events import Event, Origin, Repeated
from streams.folding.batch import SPARE_TOMBSTONES, Batch
from streams.folding.outcome import Change, Outcome
from streams.folding.rule import Incoming
from streams.folding.table import APPLIED, Shard
from streams.letters.dead_letters import Source, dead_letter
from streams.record import Record
from tests.streams.folding.test_table import ROWS, Counted, finished, seconds

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def change(key: bytes, count: int, at: int, partition: int = 0) -> Change[Counted]:
    entry = ROWS.entry(Counted(count), at, b"r")
    return Change(key, entry, ROWS.row(partition, key, entry))


def incoming(offset: int, partition: int = 0) -> Incoming:
    return Incoming("events", partition, offset, b"r", b"")


def written(batch: Batch[Counted]) -> list[tuple[int | None, bytes | None, bytes | None]]:
    return [(record.partition, record.key, record.value) for record in batch.changelog()]


def test_a_later_event_sees_the_state_that_an_earlier_one_led_to() -> None:
    shard = Shard(ROWS, 0)
    shard.put(b"k", ROWS.entry(Counted(1), 4, b"r"))
    batch = Batch(ROWS, {0: shard, 1: Shard(ROWS, 1)})
    assert batch.entry(0, b"k") is shard.entries[b"k"]
    batch.add(incoming(5), Outcome(change=change(b"k", 2, 5)))
    assert batch.entry(0, b"k").state.count == 2  # type: ignore[union-attr]
    assert batch.entry(1, b"k") is None
    assert shard.entries[b"k"].state.count == 1


def test_applied_up_to_is_the_last_record_of_each_partition() -> None:
    batch = Batch(ROWS, {0: Shard(ROWS, 0), 1: Shard(ROWS, 1)})
    batch.add(incoming(7, 1), Outcome(change=change(b"a", 1, 7, 1)))
    batch.add(incoming(5), Outcome(change=change(b"b", 1, 5)))
    batch.add(incoming(8, 1), Outcome())
    batch.add(incoming(6), Outcome(change=change(b"b", 2, 6)))
    assert written(batch) == [
        (1, b"a", change(b"a", 1, 7).row.value),
        (1, APPLIED, b'{"applied":9}'),
        (0, b"b", change(b"b", 2, 6).row.value),
        (0, APPLIED, b'{"applied":7}'),
    ]


def test_a_batch_that_changes_no_state_writes_no_changelog() -> None:
    batch = Batch(ROWS, {0: Shard(ROWS, 0)})
    batch.add(incoming(5), Outcome([Record("out", b"k", b"v")]))
    assert (written(batch), len(batch.log), batch.parts[0].done) == ([], 1, 6)


def test_events_count_by_their_kind_and_nothing_else_does() -> None:
    """A cool-off's id ends in two times: their seconds would become a kind."""
    fact = Event(Repeated(Origin(0, 5)), "n", NOON, "admit", "n")
    done = operations.Event(operations.CooledOff("ada", NOON), NOON, "admit", "admit")
    dead = dead_letter(
        reason="invalid", stage="admit", error="no", source=Source("in", 0, 5), key=None, body=b"", time=NOON
    )
    batch = Batch(ROWS, {0: Shard(ROWS, 0)})
    batch.add(incoming(5), Outcome([Record.of(fact, "out", b"k"), operations.to_record(done), dead]))
    assert list(batch.kinds()) == ["repeated"]


def test_the_table_changes_only_when_told_that_the_broker_has_it() -> None:
    shard = Shard(ROWS, 0)
    batch = Batch(ROWS, {0: shard})
    batch.add(incoming(5), Outcome(change=change(b"k", 1, 5)))
    assert (shard.entries, shard.applied) == ({}, None)
    batch.keep()
    assert (shard.entries[b"k"].state, shard.applied) == (Counted(1), 6)


def test_finished_keys_are_forgotten_with_a_tombstone_that_knows_their_offset() -> None:
    shard = finished(10, 60)
    batch = Batch(ROWS, {0: shard})
    batch.add(incoming(5), Outcome(time=seconds(20)))
    batch.forget({0: 5})
    assert batch.changelog()[:-1] == [ROWS.tombstone(0, b"k10", 0)]
    assert ROWS.tombstone(0, b"k10", 0)[2:] == (None, 0, "0")
    batch.keep()
    assert shard.entries.keys() == {b"k60"}


def test_forgetting_keeps_up_with_finishing() -> None:
    shard = finished(*range(100))
    for offset in range(1000, 1006):
        batch = Batch(ROWS, {0: shard})
        batch.add(incoming(offset), Outcome(time=seconds(200)))
        batch.forget({0: 1000})
        assert len(batch.parts[0].tombstones) <= 1 + SPARE_TOMBSTONES
        batch.keep()
    assert shard.entries == {}


def test_a_key_that_the_batch_changes_is_not_forgotten_by_it() -> None:
    shard = finished(10)
    batch = Batch(ROWS, {0: shard})
    batch.add(incoming(5), Outcome(change=change(b"k10", 2, 5), time=seconds(20)))
    batch.forget({0: 5})
    batch.keep()
    assert msgspec.to_builtins(shard.entries[b"k10"].state)["count"] == 2
