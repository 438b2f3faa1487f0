"""What recipients want: what is withheld, held and let through, as lifecycle does it with its table."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from streams.codec import Undecodable, decode, encode
from streams.events import (
    Accepted,
    Activity,
    Body,
    CameDue,
    Channel,
    Event,
    Held,
    Origin,
    Personal,
    PersonalPreferences,
    PreferencesSet,
    Priority,
    Queued,
    QuietHours,
    Request,
    RetryScheduled,
    SendFailed,
    Sending,
    Sent,
    Withheld,
)
from streams.folding.outcome import Judge
from streams.folding.rule import Incoming
from streams.folding.table import Rows, Shard
from streams.lifecycle import Lifecycle, State
from streams.reconciler import _slices
from streams.rules import preferences
from streams.rules.notification import Job
from streams.rules.overdue import Patience, late
from streams.rules.phase import STATUS
from streams.rules.preferences import Preferences
from streams.topics import EVENTS
from tests.support.numbers import RETRY

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
GRACE = timedelta(minutes=10)
NOON = QuietHours("12:00", "12:05", "UTC")
NAME = "preferences:ada:preferences-set:1"


class Living:
    """Lifecycle's rule over one partition, as the fold runs it; its conclusions are not read again."""

    def __init__(self) -> None:
        self.rule = Lifecycle(RETRY, GRACE)
        self.rows = Rows(self.rule, "changelog")
        self.shard = Shard(self.rows, 0)
        self.judge = Judge(self.rule, self.rows, "lifecycle")
        self.offset = 0
        self.letters = 0
        self.reasons: list[str] = []

    def take(self, body: Body, second: float = 0, name: str = "n", key: str = "ada") -> list[Body]:
        """What it says on the log."""
        event = Event(body, name, START + timedelta(seconds=second), "test", name)
        record = Incoming(EVENTS, 0, self.offset, key.encode(), encode(event))
        self.offset += 1
        outcome = self.judge.judge(record, 10**14, lambda _, key: self.shard.entries.get(key))
        if outcome.change is not None:
            self.shard.put(outcome.change.key, self.rows.read(outcome.change.row.value or b""))
        self.letters += outcome.letter
        self.reasons += outcome.reasons
        self.lanes = [record.topic for record in outcome.lanes]
        return [decode(told.value).body for told in outcome.log if not outcome.letter]

    def prefer(self, body: PreferencesSet, key: str = "ada") -> None:
        assert self.take(body, name=f"preferences:{key}", key=key) == []

    def state(self, key: bytes = b"n") -> State:
        return self.shard.entries[key].state

    def job(self) -> Job:
        state = self.state()
        assert isinstance(state, Job)
        return state


def wants(
    version: int = 1,
    types: Sequence[Activity] = (),
    channels: Sequence[Channel] = (),
    muted: Sequence[str] = (),
    quiet: QuietHours | None = None,
) -> PreferencesSet:
    return PreferencesSet(
        version, PersonalPreferences("ada@example.org", tuple(muted)), tuple(types), tuple(channels), quiet
    )


def accepted(priority: Priority = "transactional", channel: Channel = "email") -> Accepted:
    return Accepted(Request(channel, "ada", 5, Personal("ada@example.org", "hello")), priority, Origin(0, 0))


def liked(actor: str = "eve", activity: Activity = "LIKE") -> Accepted:
    personal = Personal("ada@example.org", "eve liked it", None, actor, "post")
    return Accepted(Request("in-app", "ada", 5, personal, activity), "transactional", Origin(0, 0))


QUEUED = [Queued(1, "notification-attempts.email.transactional")]
LIKED = [Queued(1, "notification-attempts.in-app.transactional")]


@pytest.mark.parametrize(
    ("wanted", "asked", "reason"),
    [
        (wants(channels=["email"]), accepted(), "channel-off"),
        (wants(channels=["in-app"]), liked(), "channel-off"),
        (wants(types=["LIKE"]), liked(), "type-off"),
        (wants(muted=["bob", "eve"]), liked(), "actor-muted"),
        (wants(channels=["in-app"], types=["LIKE"], muted=["eve"]), liked(), "channel-off"),
    ],
)
def test_what_is_not_wanted_is_withheld_with_the_reason_and_by_whose_word(
    wanted: PreferencesSet, asked: Accepted, reason: str
) -> None:
    living = Living()
    living.prefer(wanted)
    assert living.take(asked) == [Withheld(0, reason, NAME)]  # type: ignore[arg-type]
    assert (living.lanes, living.reasons) == ([], [reason])
    job = living.job()
    assert (STATUS[job.phase], job.final, job.due, job.request) == ("suppressed", True, None, None)


@pytest.mark.parametrize(
    ("wanted", "asked", "queued"),
    [
        (wants(channels=["sms", "push"]), accepted(), QUEUED),
        (wants(types=["LIKE", "COMMENT"]), accepted(), QUEUED),
        (wants(types=["COMMENT"], muted=["bob"]), liked(), LIKED),
        (wants(muted=["eve"]), accepted(), QUEUED),
        (wants(), liked(), LIKED),
    ],
)
def test_what_nothing_is_said_about_goes_out(wanted: PreferencesSet, asked: Accepted, queued: list[Body]) -> None:
    living = Living()
    living.prefer(wanted)
    assert living.take(asked) == queued
    assert living.reasons == []


def test_others_are_not_asked() -> None:
    living = Living()
    living.prefer(wants(channels=["email"]), key="bob")
    assert living.take(accepted()) == QUEUED


def test_what_comes_in_quiet_hours_waits_for_their_end_and_then_goes_its_way() -> None:
    living = Living()
    living.prefer(wants(quiet=NOON))
    end = START + timedelta(minutes=5)
    assert living.take(accepted(), 60) == [Held(1, 0, end, NAME)]
    assert (living.reasons, living.lanes) == (["quiet-hours"], [])
    job = living.job()
    assert (STATUS[job.phase], job.due, job.attempts) == ("pending", end, 0)
    timer = living.rule.command(job, START)
    assert (timer.body, timer.time) == (CameDue(0, "hold", 1), end)
    assert living.rule.wait(job, START + timedelta(minutes=2)) == timedelta(minutes=3)
    assert living.take(CameDue(0, "hold", 1), 299.999) == []
    assert living.take(timer.body, 300) == QUEUED
    assert living.lanes == ["notification-attempts.email.transactional"]
    assert (living.job().attempts, living.job().dispatch) == (0, 1)


@pytest.mark.parametrize("second", [-0.001, 300])
def test_outside_of_quiet_hours_nothing_waits(second: float) -> None:
    living = Living()
    living.prefer(wants(quiet=NOON))
    assert living.take(accepted(), second) == QUEUED


def test_transactional_ones_pass_only_where_that_is_wished() -> None:
    living = Living()
    living.prefer(wants(quiet=QuietHours("12:00", "12:05", "UTC", transactional_passes=True)))
    assert living.take(accepted("transactional")) == QUEUED
    (held,) = living.take(accepted("promotional"), name="p")
    assert isinstance(held, Held)


def test_passing_quiet_hours_is_no_way_around_what_is_off() -> None:
    living = Living()
    living.prefer(wants(channels=["email"], quiet=QuietHours("12:00", "12:05", "UTC", transactional_passes=True)))
    (withheld,) = living.take(accepted("transactional"))
    assert isinstance(withheld, Withheld)


def test_what_was_held_is_judged_anew_by_what_is_wanted_then() -> None:
    for now, expected in [
        (wants(2), QUEUED[0]),
        (wants(2, channels=["email"]), Withheld(0, "channel-off", "preferences:ada:preferences-set:2")),
        (
            wants(2, quiet=QuietHours("12:00", "12:30", "UTC")),
            Held(2, 0, START + timedelta(minutes=30), "preferences:ada:preferences-set:2"),
        ),
    ]:
        living = Living()
        living.prefer(wants(quiet=NOON))
        living.take(accepted())
        living.prefer(now)
        assert living.job().due == START + timedelta(minutes=5)
        assert living.take(CameDue(0, "hold"), 300) == [expected]
    assert (living.job().due, living.job().holds) == (START + timedelta(minutes=30), 2)
    assert living.take(CameDue(0, "hold"), 301) == []
    assert living.take(CameDue(0, "hold"), 1800) == QUEUED


def test_a_retry_waits_too_and_keeps_its_number_and_attempts() -> None:
    living = Living()
    living.take(accepted(), -10)
    living.prefer(wants(quiet=NOON))
    living.take(Sending(1, START + timedelta(seconds=5), "w"), -9)
    assert living.take(SendFailed(1, "no"), -0.5) == [
        RetryScheduled(1, START + timedelta(seconds=0.5), 1, "no"),
    ]
    (held,) = living.take(CameDue(1, "retry"), 1)
    assert held == Held(1, 1, START + timedelta(minutes=5), NAME)
    assert living.take(CameDue(1, "hold"), 300) == [Queued(2, "notification-attempts.email.retries")]
    assert living.job().attempts == 1


def test_a_later_hold_has_the_next_number() -> None:
    living = Living()
    living.prefer(wants(quiet=NOON))
    living.take(accepted(), 0)
    living.take(CameDue(0, "hold"), 300)
    living.prefer(wants(2, quiet=QuietHours("12:05", "12:30", "UTC")))
    living.take(Sending(1, START + timedelta(seconds=320), "w"), 301)
    living.take(SendFailed(1, "no"), 302)
    (held,) = living.take(CameDue(1, "retry"), 303)
    assert isinstance(held, Held)
    assert (held.hold, held.dispatch) == (2, 1)


def test_sent_wins_over_withheld() -> None:
    living = Living()
    living.take(accepted(), -10)
    living.take(Sending(1, START, "w"), -9)
    living.take(CameDue(1, "deadline"), 0)
    living.prefer(wants(channels=["email"]))
    assert living.take(CameDue(1, "retry"), 1) == [Withheld(1, "channel-off", NAME)]
    living.take(SendFailed(1, "late"), 2)
    assert STATUS[living.job().phase] == "suppressed"
    living.take(Sent(1), 3)
    assert STATUS[living.job().phase] == "sent"


def test_the_newest_stand_whole_and_in_whatever_order_they_come() -> None:
    living = Living()
    living.prefer(wants(5, channels=["email"]))
    living.prefer(wants(6, muted=["eve"]))
    living.prefer(wants(4, types=["LIKE"]))
    assert living.state(preferences.key(b"ada")) == Preferences(
        "preferences:ada:preferences-set:6", 6, muted_actors=("eve",)
    )
    assert living.take(accepted()) == QUEUED


def test_lifted_ones_are_forgotten_after_the_grace_and_others_never() -> None:
    version = 1_767_268_800_000  # noon of 2026-01-01
    said, nothing = (
        preferences.evolve(None, Event(wanted, "p", START, "gateway", "p"))
        for wanted in (wants(version, channels=["sms"]), wants(version))
    )
    rule = Lifecycle(RETRY, GRACE)
    assert rule.expires(said) is None
    assert rule.expires(nothing) == START + GRACE
    assert (rule.due(said), rule.wait(said, START)) == (None, timedelta.max)


def test_preferences_outlive_the_finished_jobs_that_they_ended() -> None:
    living = Living()
    living.prefer(wants(channels=["email"]))
    living.take(accepted())
    living.shard.see(START + GRACE)
    assert [key for key, _ in living.shard.ripe(1 << 40, 99, ())] == [b"n"]
    assert isinstance(living.state(preferences.key(b"ada")), Preferences)


def test_a_held_one_is_late_only_when_its_time_has_long_passed() -> None:
    living = Living()
    living.prefer(wants(quiet=NOON))
    living.take(accepted(), 60)
    patience = Patience(timedelta(seconds=1), timedelta(seconds=10))
    assert late(living.job(), timedelta(seconds=250), patience, lane_empty=True) is None
    assert late(living.job(), timedelta(seconds=250.001), patience, lane_empty=True) == "hold"


def test_the_reconciler_looks_at_open_jobs_alone() -> None:
    living = Living()
    living.prefer(wants(channels=["sms"]))
    living.take(accepted())
    living.take(accepted(channel="sms"), name="withheld")
    (found,) = _slices([*living.shard.entries.values()])
    assert [job.notification for job, _ in found] == ["n"]


def test_a_zone_that_nobody_knows_is_a_dead_letter_and_changes_nothing() -> None:
    living = Living()
    living.take(wants(quiet=QuietHours("22:00", "07:00", "Mars/Olympus")), name="preferences:ada")
    assert (living.letters, living.shard.entries) == (1, {})
    assert living.take(accepted()) == QUEUED


@pytest.mark.parametrize("time", ["7:00", "24:00", "12:60", "noon", ""])
def test_a_time_of_day_that_is_none_can_t_be_read(time: str) -> None:
    event = Event(wants(quiet=QuietHours("22:00", time, "UTC")), "p", START, "gateway", "p")
    with pytest.raises(Undecodable):
        decode(encode(event))
