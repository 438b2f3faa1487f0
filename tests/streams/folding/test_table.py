from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.codec import encode
from streams.events import Body, CameDue, Event
from streams.exits import Refused
from streams.folding.rule import Incoming, Reaction
from streams.folding.table import APPLIED, Rows, Shard
from streams.record import Record

START = datetime(2026, 5, 4, tzinfo=UTC)


class Counted(msgspec.Struct, frozen=True):
    count: int
    due: datetime | None = None
    expires: datetime | None = None


class Counting:
    table, state, version = "counts", Counted, 3

    def key(self, event: Event[Body], _: Incoming) -> bytes:
        return event.notification.encode()

    def reads(self, _: Event[Body], __: Incoming) -> Sequence[bytes]:
        return ()

    def react(
        self, state: Counted | None, _: Event[Body], __: Incoming, ___: Mapping[bytes, Counted]
    ) -> Reaction[Counted]:
        return Reaction(Counted(1 if state is None else state.count + 1))

    def expires(self, state: Counted) -> datetime | None:
        return state.expires

    def due(self, state: Counted) -> datetime | None:
        return state.due

    def wait(self, state: Counted, now: datetime) -> timedelta:
        return (state.due or now) - now

    def command(self, _: Counted, now: datetime) -> Event[Body]:
        return Event(CameDue(1, "retry"), "n", now, "s", "c")


ROWS = Rows(Counting(), "app-counts-changelog")


def seconds(number: int) -> datetime:
    return START + timedelta(seconds=number)


def row(key: bytes, state: Counted, at: int, record_key: bytes = b"r") -> Record:
    return ROWS.row(0, key, ROWS.entry(state, at, record_key))


def loaded(records: Iterable[Record], shard: Shard[Counted] | None = None) -> Shard[Counted]:
    shard = shard or Shard(ROWS, 0)
    for record in records:
        assert record.key is not None
        shard.load(record.key, record.value, record.id)
    return shard


def counts(shard: Shard[Counted]) -> dict[bytes, int]:
    return {key: entry.state.count for key, entry in shard.entries.items()}


def test_what_was_written_is_read_again() -> None:
    state = Counted(2, due=seconds(5), expires=seconds(9))
    entry = loaded([row(b"k", state, 17, b"\x00\xff")]).entries[b"k"]
    assert (entry.state, entry.at, entry.record_key, entry.due, entry.expires) == (
        state,
        17,
        b"\x00\xff",
        seconds(5),
        seconds(9),
    )


def test_the_record_key_is_kept_only_while_a_time_is_waited_for() -> None:
    assert msgspec.json.decode(row(b"k", Counted(1), 4).value or b"") == {
        "v": 3,
        "at": 4,
        "state": {"count": 1, "due": None, "expires": None},
    }


def test_a_row_of_another_version_is_not_taken_for_one_of_ours() -> None:
    with pytest.raises(Refused, match="expected rows of version 3, got 4"):
        Shard(ROWS, 0).load(b"k", b'{"v":4,"at":1,"state":{"renamed":1}}', "")


def test_the_newest_row_counts_not_the_last() -> None:
    shard = loaded([row(b"k", Counted(5), 50), row(b"k", Counted(3), 30)])
    assert (counts(shard), shard.stragglers) == ({b"k": 5}, 1)


def test_applied_up_to_only_grows() -> None:
    shard = loaded([ROWS.applied(0, 10), ROWS.applied(0, 30), ROWS.applied(0, 20)])
    assert (shard.applied, shard.fresh) == (30, False)


def test_a_first_start_is_told_from_a_table_in_use() -> None:
    assert loaded([ROWS.applied(0, 0, fresh=True)]).fresh
    assert loaded([ROWS.applied(0, 0, fresh=True)] * 2).fresh
    assert not loaded([ROWS.applied(0, 0, fresh=True), ROWS.applied(0, 5), ROWS.applied(0, 0, fresh=True)]).fresh
    assert not loaded([ROWS.applied(0, 0, fresh=True), ROWS.applied(0, 5)]).fresh
    assert not loaded([ROWS.applied(0, 5), ROWS.applied(0, 0, fresh=True)]).fresh


def test_a_table_is_being_rebuilt_until_it_is_applied() -> None:
    assert loaded([ROWS.applied(0, 9), ROWS.rebuilding(0), row(b"k", Counted(1), 3)]).rebuilding
    shard = loaded([ROWS.rebuilding(0), row(b"k", Counted(1), 3), ROWS.applied(0, 5)])
    assert (shard.rebuilding, shard.fresh, shard.applied, counts(shard)) == (False, False, 5, {b"k": 1})


def test_a_zombies_row_does_not_bring_a_forgotten_key_back() -> None:
    shard = loaded([row(b"k", Counted(1), 5), ROWS.applied(0, 9), ROWS.tombstone(0, b"k", 5), row(b"k", Counted(1), 5)])
    assert (counts(shard), shard.stragglers) == ({}, 1)


def test_a_zombies_tombstone_does_not_remove_what_it_did_not_know() -> None:
    shard = loaded([row(b"k", Counted(1), 5), row(b"k", Counted(2), 50), ROWS.tombstone(0, b"k", 5)])
    assert counts(shard) == {b"k": 2}


def ripe(
    shard: Shard[Counted], committed: int = 100, limit: int = 10, changing: Container[bytes] = ()
) -> list[tuple[bytes, int]]:
    return list(shard.ripe(committed, limit, changing))


def finished(*ends: int) -> Shard[Counted]:
    return loaded(row(b"k%d" % end, Counted(1, expires=seconds(end)), at) for at, end in enumerate(ends))


def test_keys_are_forgotten_once_the_events_have_passed_their_time() -> None:
    shard = finished(30, 10, 20)
    assert ripe(shard) == []
    shard.see(seconds(20))
    shard.see(seconds(5))
    assert ripe(shard) == [(b"k10", 1), (b"k20", 2)]


def test_no_key_is_forgotten_that_a_replay_could_still_reach() -> None:
    shard = finished(10)
    shard.see(seconds(20))
    assert ripe(shard, committed=0) == []
    assert ripe(shard, committed=1) == [(b"k10", 0)]


def test_a_few_keys_are_forgotten_at_a_time() -> None:
    shard = finished(*range(5))
    shard.see(seconds(20))
    assert [len(ripe(shard, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_key_that_has_changed_without_living_longer_is_forgotten_once() -> None:
    shard = finished(10, 10)
    shard.see(seconds(20))
    shard.put(b"k10", ROWS.entry(Counted(3, expires=seconds(10)), 2, b"r"))
    assert ripe(shard) == [(b"k10", 2)]


def test_a_key_that_lives_again_is_not_forgotten() -> None:
    shard = finished(10, 11)
    shard.see(seconds(20))
    shard.put(b"k10", ROWS.entry(Counted(2, expires=seconds(30)), 60, b"r"))
    assert ripe(shard, changing={b"k11"}) == []


step = st.sampled_from((b"a", b"b", b"c")).flatmap(lambda key: st.tuples(st.just(key), st.booleans()))


def history(steps: list[tuple[bytes, bool]]) -> list[list[Record]]:
    """The batches that folding one event after the other writes; True forgets the key instead."""
    known: dict[bytes, int] = {}
    batches = []
    for at, (key, forget) in enumerate(steps):
        if forget and key in known:
            batches.append([ROWS.tombstone(0, key, known.pop(key)), ROWS.applied(0, at + 1)])
        else:
            known[key] = at
            batches.append([row(key, Counted(at), at), ROWS.applied(0, at + 1)])
    return batches


@given(st.lists(step, max_size=12), st.data())
def test_loading_survives_repeats_and_zombies(steps: list[tuple[bytes, bool]], data: st.DataObject) -> None:
    """A batch sent twice by a new producer, and any old batch once more at any later place, change nothing."""
    batches = history(steps)
    right = counts(loaded(record for batch in batches for record in batch))
    written = list(batches)
    for _ in range(data.draw(st.integers(0, 3))) if batches else ():
        number = data.draw(st.integers(0, len(batches) - 1))
        first = max(place for place, batch in enumerate(written) if batch is batches[number])
        written.insert(data.draw(st.integers(first + 1, len(written))), batches[number])
    assert counts(loaded(record for batch in written for record in batch)) == right


def test_no_table_key_can_be_taken_for_the_reserved_one() -> None:
    assert APPLIED.startswith(b"\x00")
    assert not encode(Event(CameDue(1, "retry"), "n", START, "s", "c")).startswith(b"\x00")
