"""Whatever recipients prefer, and whenever they change it, what holds of every notification goes on to hold."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streams.events import Body, CameDue, Event, Fact, Held, Queued, QuietHours, Settled, Withheld
from streams.rules.conclusions import conclude
from streams.rules.notification import Job, evolve
from streams.rules.phase import Phase
from streams.rules.preferences import Preferences, held_until, refused
from tests.streams.rules.test_notification import ACCEPTED, INPUTS, REQUEST, at, event, fold
from tests.support.numbers import RETRY


@dataclass(frozen=True)
class Step:
    """An event that lifecycle read, what was preferred then, and what it concluded."""

    event: Event[Body]
    preferred: Preferences | None
    concluded: list[Event[Fact]]


QUIET = st.sampled_from(
    [QuietHours("00:00", "00:01", "UTC"), QuietHours("23:00", "00:02", "UTC", transactional_passes=True)]
)
CHANGES = st.builds(
    Preferences,
    st.just("id"),
    st.integers(1, 9),
    channels_off=st.sampled_from([(), (), ("email",)]),
    quiet_hours=st.none() | QUIET,
)
HOLDS = st.builds(lambda d, s: event(CameDue(d, "hold"), s), st.integers(0, 6), st.integers(0, 200))
LIVES = st.tuples(st.none() | CHANGES, st.lists(st.one_of(INPUTS, HOLDS, CHANGES, st.none()), max_size=40)).map(
    lambda life: [life[0], event(ACCEPTED), *life[1]]
)
"""Events, and from where on what is preferred; None lifts it."""


def lived(happened: list[Event[Body] | Preferences | None]) -> tuple[Job | None, list[Step]]:
    job, preferred, steps = None, None, []
    for one in happened:
        if not isinstance(one, Event):
            preferred = one
            continue
        job = evolve(job, one)
        concluded = conclude(job, one, RETRY, preferred)
        for conclusion in concluded:
            job = evolve(job, conclusion)
        steps.append(Step(one, preferred, concluded))
    return job, steps


def log_of(steps: list[Step]) -> list[Event[Body]]:
    return [one for step in steps for one in (step.event, *step.concluded)]


@given(LIVES)
def test_folding_the_log_gives_the_job_that_lifecycle_held(happened: list[Event[Body] | Preferences | None]) -> None:
    job, steps = lived(happened)
    assert fold(log_of(steps)) == job


@given(LIVES, st.integers(0, 200), st.integers(0, 200))
def test_a_replayed_stretch_of_the_log_changes_nothing(
    happened: list[Event[Body] | Preferences | None], start: int, length: int
) -> None:
    log = log_of(lived(happened)[1])
    again = log[start % len(log) :][:length]
    assert fold(log + again) == fold(log)


@given(LIVES, st.none() | CHANGES)
def test_facts_that_are_read_again_lead_to_nothing_whatever_is_preferred_by_then(
    happened: list[Event[Body] | Preferences | None], later: Preferences | None
) -> None:
    job, steps = lived(happened)
    for one in log_of(steps):
        if not isinstance(one.body, CameDue):
            assert evolve(job, one) == job
            assert conclude(job, one, RETRY, later) == []


@given(LIVES)
def test_an_open_job_waits_for_deliver_or_for_a_timer(happened: list[Event[Body] | Preferences | None]) -> None:
    job, _ = lived(happened)
    if job is not None:
        assert job.final != (job.phase is Phase.QUEUED or job.due is not None)


@given(LIVES)
def test_holds_are_numbered_without_gaps_and_every_id_is_one_event_s(
    happened: list[Event[Body] | Preferences | None],
) -> None:
    concluded = [one for step in lived(happened)[1] for one in step.concluded]
    assert len({one.id for one in concluded}) == len(concluded)
    holds = [one.body.hold for one in concluded if isinstance(one.body, Held)]
    assert holds == list(range(1, len(holds) + 1))


@given(LIVES)
def test_nothing_is_handed_over_against_what_is_preferred_and_nothing_is_kept_back_else(
    happened: list[Event[Body] | Preferences | None],
) -> None:
    for step in lived(happened)[1]:
        for one in step.concluded:
            if step.preferred is None:
                assert not isinstance(one.body, Held | Withheld)
                continue
            reason = refused(step.preferred, REQUEST)
            until = held_until(step.preferred, "transactional", one.time)
            match one.body:
                case Queued():
                    assert (reason, until) == (None, None)
                case Held():
                    assert (reason, one.body.until) == (None, until)
                    assert one.body.until > one.time
                case Withheld():
                    assert one.body.reason == reason
                case _:
                    pass


@given(LIVES)
def test_withheld_is_the_end(happened: list[Event[Body] | Preferences | None]) -> None:
    concluded = [one.body for step in lived(happened)[1] for one in step.concluded]
    withheld = [number for number, body in enumerate(concluded) if isinstance(body, Withheld)]
    after = concluded[withheld[0] + 1 :] if withheld else []
    assert len(withheld) <= 1
    assert all(isinstance(body, Settled) for body in after), "but that its recipient has seen it all the same"


def test_a_hold_ends_by_the_clock_of_the_event_that_caused_it() -> None:
    quiet = Preferences("id", 1, quiet_hours=QuietHours("00:00", "00:01", "UTC"))
    _, [step] = lived([quiet, event(ACCEPTED, 59.999)])
    assert [one.body for one in step.concluded] == [Held(1, 0, at(60), "id")]
    assert step.concluded[0].id == "n:held:1"
