"""A table made again from the log is the one that lifecycle held, and owed conclusions are drawn exactly once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from streams.clock import milliseconds
from streams.codec import UnknownType, decode, encode
from streams.events import (
    Accepted,
    Acknowledged,
    Body,
    CameDue,
    Channel,
    Event,
    Origin,
    Personal,
    PersonalPreferences,
    PreferencesSet,
    Queued,
    QuietHours,
    RedeliveryRequested,
    Request,
    SendDeferred,
    SendFailed,
    Sending,
    Sent,
)
from streams.folding.outcome import Judge
from streams.folding.rule import Incoming
from streams.folding.table import Entry, Rows, Shard
from streams.lifecycle import Lifecycle, State
from streams.recovery import jobs as module
from streams.recovery.jobs import Jobs
from streams.rules.notification import Job, owes
from streams.rules.phase import AWAITS, Phase
from streams.rules.preferences import Preferences
from streams.topics import EVENTS
from tests.support.numbers import RETRY

START = datetime(2026, 1, 1, tzinfo=UTC)
EVER = timedelta(days=1)
ACCEPTED = Accepted(Request("email", "key", 5, Personal("ada@example.org", "hello")), "transactional", Origin(0, 0))
NOT_NOW = QuietHours("00:00", "00:01", "UTC")
WHO = PersonalPreferences("ada@example.org")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(name: str, body: Body, seconds: float = 0) -> Event[Body]:
    return Event(body, name, at(seconds), "test", name)


def record(offset: int, value: bytes | None, seconds: float = 1e6) -> ConsumerRecord:
    return ConsumerRecord(EVENTS, 0, offset, milliseconds(at(seconds)), 0, b"key", value, None, 0, 0, ())


class Live:
    """Lifecycle as the fold runs it: on a shard, guarded; what it writes goes to the end of the same log."""

    def __init__(
        self, log: list[bytes], shard: Shard[State] | None = None, first: int = 0, grace: timedelta = EVER
    ) -> None:
        rule = Lifecycle(RETRY, grace)
        self.rows = Rows(rule, "changelog")
        self.shard = shard or Shard(self.rows, 0)
        self.log, self.next = log, first
        self.lanes: list[str] = []
        self.said: list[str] = []
        self._judge = Judge(rule, self.rows, "lifecycle")

    def step(self) -> None:
        incoming = Incoming(EVENTS, 0, self.next, b"key", self.log[self.next])
        outcome = self._judge.judge(incoming, milliseconds(at(1e6)), self._entry)
        self.log += [one.value for one in outcome.log if one.value is not None]
        self.said += [one.id for one in outcome.log]
        self.lanes += [one.id for one in outcome.lanes]
        if outcome.change is not None:
            self.shard.put(outcome.change.key, outcome.change.entry)
        self.next += 1

    def catch_up(self) -> None:
        while self.next < len(self.log):
            self.step()

    def states(self) -> dict[bytes, State]:
        return {key: entry.state for key, entry in self.shard.entries.items()}

    def jobs(self) -> dict[bytes, Job]:
        return {key: state for key, state in self.states().items() if isinstance(state, Job)}

    def _entry(self, _: int, key: bytes) -> Entry[State] | None:
        return self.shard.entries.get(key)


def preferred(version: int, channels: Sequence[Channel], quiet: QuietHours | None) -> Event[Body]:
    return event("preferences:key", PreferencesSet(version, WHO, (), tuple(channels), quiet))


def wished(redelivery: str) -> RedeliveryRequested:
    """As the gateway would, but for the dispatch: what lifecycle has in its table counts."""
    return RedeliveryRequested(redelivery, "ada", "lost", 1, "transactional", ACCEPTED.request)


names = st.sampled_from("abc")
dispatches, seconds = st.integers(1, 4), st.integers(0, 60)
inputs = st.one_of(
    st.builds(lambda n, s: event(n, ACCEPTED, s), names, seconds),
    st.builds(lambda n, s: event(n, Acknowledged(), s), names, seconds),
    st.builds(lambda n, wish, s: event(n, wished(wish), s), names, st.sampled_from("rst"), seconds),
    st.builds(lambda n, d, s: event(n, Sending(d, at(s + 15), "w"), s), names, dispatches, seconds),
    st.builds(lambda n, d, s: event(n, Sent(d), s), names, dispatches, seconds),
    st.builds(lambda n, d, s: event(n, SendFailed(d, "no"), s), names, dispatches, seconds),
    st.builds(lambda n, d, s: event(n, SendDeferred(d, at(s + 5)), s), names, dispatches, seconds),
    st.builds(
        lambda n, d, o, s: event(n, CameDue(d, o), s),
        names,
        st.integers(0, 4),
        st.sampled_from(["retry", "deferral", "deadline", "lane", "hold"]),
        st.integers(0, 99),
    ),
    st.builds(preferred, st.integers(1, 5), st.sampled_from([[], ["sms"], ["email"]]), st.none() | st.just(NOT_NOW)),
)
FROM_DELIVER = (Sending, Sent, SendFailed, SendDeferred)
FROM_PEOPLE = (Acknowledged, RedeliveryRequested)
steps = st.lists(st.one_of(inputs, st.none()), max_size=60)
"""An event that somebody writes, or None: lifecycle folds one."""


def lived(happened: Sequence[Event[Body] | None]) -> list[bytes]:
    """The log after all that; lifecycle may be behind. What deliver says of a dispatch comes after it was queued,
    and what people say of a notification after they have seen it.
    """
    live = Live([])
    for one in happened:
        if one is not None:
            dispatch = one.body.dispatch if isinstance(one.body, FROM_DELIVER) else 1
            free = not isinstance(one.body, (*FROM_DELIVER, *FROM_PEOPLE))
            if free or f"{one.notification}:queued:{dispatch}" in live.said:
                live.log.append(encode(one))
        elif live.next < len(live.log):
            live.step()
    return live.log


def preferences_of(live: Live) -> dict[bytes, State]:
    return {key: state for key, state in live.states().items() if isinstance(state, Preferences)}


def settled_alike(job: Job) -> Job:
    """Whether an outcome or an acknowledgement was read first is all one in the end: it was sent, by these numbers."""
    if job.phase is not Phase.SENT:
        return job
    return msgspec.structs.replace(job, cause="", changed=START, error=None, dispatch=job.highest, last=0)


def alike(states: Mapping[bytes, State]) -> dict[bytes, State]:
    """Tables that say the same are equal by this."""
    return {key: settled_alike(state) if isinstance(state, Job) else state for key, state in states.items()}


def counted_alike(job: Job, other: Job) -> Job:
    return msgspec.structs.replace(job, attempts=other.attempts, error=other.error)


def rebuilt(
    log: Sequence[bytes], grace: timedelta = EVER, committed: int | None = None
) -> tuple[Shard[State], int, Jobs]:
    rows = Rows(Lifecycle(RETRY, grace), "changelog")
    jobs = Jobs(rows, 0, committed)
    for offset, value in enumerate(log):
        jobs.add(record(offset, value))
    shard = Shard(rows, 0)
    for row in jobs.rows(len(log)):
        assert row.key is not None
        shard.load(row.key, row.value, row.id)
    return shard, jobs.applied(len(log)), jobs


@given(steps, st.integers(0, 200))
def test_a_rebuilt_table_goes_on_as_the_one_that_was_lost(happened: list[Event[Body] | None], cut: int) -> None:
    """For any prefix of a log, whatever of lifecycle's conclusions is missing at its end."""
    log = lived(happened)
    log = log[: cut % (len(log) + 1)]
    known = {decode(value).id for value in log}
    once = Live(list(log))
    once.catch_up()
    shard, applied, _ = rebuilt(log)
    again = Live(list(log), shard, applied)
    again.catch_up()
    assert not known & set(again.said)
    assert len(set(again.said)) == len(again.said)
    assert preferences_of(again) == preferences_of(once)
    for key, state in once.jobs().items():
        job, mine = settled_alike(state), settled_alike(again.jobs()[key])
        # What a timer's command led to may be missing: then the job still waits, and the timer fires again. And what
        # was sent before the failures before it were concluded from needs no such conclusion any more.
        assert mine == job or mine.phase in AWAITS or (mine.phase is Phase.SENT and counted_alike(mine, job) == job)


@given(steps)
def test_the_table_of_a_whole_log_is_the_same(happened: list[Event[Body] | None]) -> None:
    live = Live(lived(happened))
    live.catch_up()
    shard, applied, jobs = rebuilt(live.log)
    mine = {key: entry.state for key, entry in shard.entries.items()}
    assert alike(mine) == alike(live.states())
    assert (applied, jobs.owed()) == (len(live.log), 0)


@given(steps)
def test_every_owed_conclusion_is_drawn_and_every_lane_record_written(happened: list[Event[Body] | None]) -> None:
    log = lived(happened)
    shard, applied, jobs = rebuilt(log)
    again = Live(list(log), shard, applied)
    again.catch_up()
    assert not [job for job in again.jobs().values() if owes(job)]
    assert jobs.owed() == 0 or again.said
    queued = [one for one in again.said if ":queued:" in one]
    assert [one.replace(":queued:", ":attempt:") for one in queued] == again.lanes


def test_an_accepted_one_that_was_not_queued_yet_is_queued_once() -> None:
    log = [encode(event("a", ACCEPTED)), encode(event("b", Sent(1)))]
    shard, applied, jobs = rebuilt(log)
    assert (shard.entries, applied, jobs.owed()) == ({}, 0, 1)
    again = Live(log, shard, applied)
    again.catch_up()
    assert (again.said, again.lanes) == (["a:queued:1"], ["a:attempt:1"])


def test_an_owed_conclusion_is_drawn_by_the_preferences_of_its_place_on_the_log() -> None:
    off = [encode(preferred(version, ["email"], None)) for version in (1, 3)]
    on = encode(preferred(2, [], None))
    log = [off[0], encode(event("a", ACCEPTED)), on, encode(event("b", ACCEPTED)), off[1]]
    again = Live(log, *rebuilt(log)[:2])
    assert again.next == 1
    again.catch_up()
    assert again.said == ["a:withheld:0", "b:queued:1"]
    assert [state for state in again.states().values() if isinstance(state, Preferences)] == [
        Preferences("preferences:key:preferences-set:3", 3, channels_off=("email",))
    ]


def test_a_forgotten_one_that_is_wanted_again_is_no_row_until_that_is_decided() -> None:
    log = [encode(event("a", wished("r")))]
    shard, applied, jobs = rebuilt(log)
    assert (shard.entries, applied, jobs.owed()) == ({}, 0, 1)
    again = Live(log, shard, applied)
    again.catch_up()
    assert (again.said, again.lanes) == (["a:queued:2"], ["a:attempt:2"])


def test_what_people_asked_for_is_answered_in_its_order_and_what_was_answered_is_not_again() -> None:
    begun = Live([encode(event("a", ACCEPTED))])
    begun.catch_up()
    asked = [*begun.log, *(encode(event("a", body, 1)) for body in (Sent(1), wished("r"), wished("s")))]
    for log, first, said in (
        (asked, 3, ["a:queued:2", "a:redelivery-refused:s"]),
        ([*asked, encode(event("a", Queued(2, "lane", "r"), 1))], 4, ["a:redelivery-refused:s"]),
    ):
        shard, applied, jobs = rebuilt(log)
        assert (applied, jobs.owed()) == (first, len(said))
        again = Live(log, shard, applied)
        again.catch_up()
        assert again.said == said


def test_finished_ones_are_forgotten_unless_they_may_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORGET_EVERY", 1)
    old = [encode(event("old", body, 1)) for body in (ACCEPTED, Sent(1), Acknowledged())]
    later = [encode(event("new", ACCEPTED, 100)), encode(event("new", Sent(1), 101))]
    assert set(rebuilt([*old, *later], timedelta(seconds=50))[0].entries) == {b"new"}
    owing = encode(event("owing", ACCEPTED, 0))
    shard, applied, _ = rebuilt([owing, *old, *later], timedelta(seconds=50))
    assert (set(shard.entries), applied) == ({b"old", b"new"}, 0)


def test_what_can_t_be_read_becomes_a_dead_letter_unless_lifecycle_has_seen_to_it() -> None:
    log = [b"\xff", b"poison"]
    assert len(rebuilt(log)[2].letters) == 2
    (letter,) = rebuilt(log, committed=1)[2].letters
    assert letter.id == "dead:notification-events:0.1"


def test_an_event_of_a_newer_program_is_not_skipped() -> None:
    with pytest.raises(UnknownType):
        rebuilt([encode(event("a", ACCEPTED)).replace(b"accepted.v1", b"accepted.v2")])


def test_what_was_given_up_with_a_dead_letter_is_not_owed_any_more() -> None:
    log = [encode(event("a", ACCEPTED)), encode(event("b", Sent(1)))]
    _, applied, jobs = rebuilt(log, committed=2)
    assert (applied, jobs.owed()) == (2, 0)
