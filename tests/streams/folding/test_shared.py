"""A state that events of other keys read: wherever a crash cuts a batch short, its repeat decides alike."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.codec import encode
from streams.events import (
    Accepted,
    Body,
    CameDue,
    Event,
    Origin,
    Personal,
    PersonalPreferences,
    PreferencesSet,
    QuietHours,
    Request,
)
from streams.folding.batch import Batch
from streams.folding.outcome import Judge
from streams.folding.rule import SHARED, Incoming
from streams.folding.table import APPLIED, Rows, Shard
from streams.lifecycle import Lifecycle, State
from streams.record import Record
from streams.topics import EVENTS
from tests.support.numbers import RETRY

START = datetime(2026, 1, 1, tzinfo=UTC)
WHO = PersonalPreferences("ada@example.org")
RULE = Lifecycle(RETRY, timedelta(days=1))
ROWS = Rows(RULE, "changelog")
QUIET = QuietHours("00:00", "00:01", "UTC")


def accepted(name: str) -> Event[Body]:
    request = Request("email", "ada", 5, Personal("ada@example.org", "hello"))
    return Event(Accepted(request, "transactional", Origin(0, 0)), name, START, "admit", name)


def due(name: str) -> Event[Body]:
    return Event(CameDue(0, "hold"), name, START + timedelta(minutes=1), "lifecycle", name)


def preferred(version: int, off: bool, quiet: bool) -> Event[Body]:
    body = PreferencesSet(version, WHO, (), ("email",) if off else (), QUIET if quiet else None)
    return Event(body, "preferences:ada", START, "gateway", "preferences:ada")


def decided(log: Sequence[bytes], shard: Shard[State]) -> tuple[Batch[State], list[str]]:
    """What is left of the log, in one batch; and the ids of all it leads to."""
    judge, batch = Judge(RULE, ROWS, "lifecycle"), Batch(ROWS, {0: shard})
    for offset in range(shard.applied or 0, len(log)):
        incoming = Incoming(EVENTS, 0, offset, b"ada", log[offset])
        batch.add(incoming, judge.judge(incoming, 10**14, batch.entry))
    return batch, [record.id for record in (*batch.log, *batch.lanes)]


def recovered(changelog: Sequence[Record]) -> Shard[State]:
    shard = Shard(ROWS, 0)
    for row in changelog:
        shard.load(row.key or b"", row.value, row.id)
    return shard


NAMES = st.sampled_from(["a", "b"])
WISHES = st.tuples(st.booleans(), st.booleans())
STEPS = st.one_of(NAMES.map(accepted), NAMES.map(due), WISHES, WISHES)


def log_of(steps: list[Event[Body] | tuple[bool, bool]]) -> list[bytes]:
    """Each wish is newer than those before."""
    events = [one if isinstance(one, Event) else preferred(number, *one) for number, one in enumerate(steps)]
    return [encode(one) for one in events]


LOGS = st.lists(STEPS, min_size=3, max_size=9).map(log_of)


@given(LOGS, st.integers(0, 3))
def test_a_repeat_after_any_part_of_the_changelog_was_written_decides_alike(log: list[bytes], before: int) -> None:
    start = Shard(ROWS, 0)
    first, _ = decided(log[:before], start)
    first.keep()
    known = [*first.changelog()] or [ROWS.applied(0, 0, fresh=True)]
    batch, said = decided(log, start)
    rows = batch.changelog()
    batch.keep()
    for cut in range(len(rows) + 1):
        shard = recovered([*known, *rows[:cut]])
        again, said_again = decided(log, shard)
        assert set(said_again) <= set(said)
        again.keep()
        states = {key: entry.state for key, entry in shard.entries.items()}
        assert states == {key: entry.state for key, entry in start.entries.items()}


def test_what_others_read_is_written_after_them_and_before_applied_up_to() -> None:
    log = [encode(event) for event in (preferred(1, off=True, quiet=False), accepted("a"), accepted("b"))]
    batch, said = decided(log, Shard(ROWS, 0))
    assert said == ["a:withheld:0", "b:withheld:0"]
    assert [row.key for row in batch.changelog()] == [b"a", b"b", SHARED + b"ada", APPLIED]
