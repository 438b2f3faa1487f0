"""A partition of the log as the audit reads it: repeats, ids used again, poison, and a memory that is bounded."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from projections.audit.letters import Letters
from projections.audit.story import Skipped
from projections.position import Place
from streams.clock import milliseconds
from streams.codec import encode
from streams.events import Body, CameDue, Event, Origin, Repeated, Sent, Suppressed
from tests.projections.audit.given import Audited, Raw, audited, born, lived, without
from tests.projections.lives import Events, at, event, request, shuffled

LIVES = st.sampled_from(["s", "fs", "fff", "ds", "ls", "f", "", "srs", "k"])


def digests(seen: Audited) -> tuple[object, ...]:
    return seen.result.jobs, seen.result.lines, seen.rows, seen.result.digest


def test_every_outcome_covers_its_request(tmp_path: Path) -> None:
    suppressed = event(Suppressed(request(), "promotional", Origin(1, 3), "duplicate"), "s")
    seen = audited([*lived("s", offset=5), suppressed, event(Repeated(Origin(0, 6)), "n")], tmp_path)
    assert sorted(seen.result.covered) == [(0, 1 << 5), (0, 1 << 6), (1, 1 << 3)]
    assert seen.result.counts["repeated"] == seen.result.counts["suppressed"] == 1


def test_events_written_again_change_nothing_and_are_counted(tmp_path: Path) -> None:
    events = lived("fsrs")
    once, twice = audited(events, tmp_path), audited([*events, *events], tmp_path)
    assert twice.findings == []
    assert twice.result.counts["writtenAgain"] == len(without(events, CameDue))  # came-due may come often
    assert (twice.result.jobs, twice.result.lines) == (once.result.jobs, once.result.lines)


def test_a_request_that_is_decided_for_two_notifications_is_found(tmp_path: Path) -> None:
    assert "decided-twice" in audited([*lived("s", "a", 1), *lived("s", "b", 1)], tmp_path).kinds


def test_an_id_accepted_again_is_a_story_of_its_own(tmp_path: Path) -> None:
    seen = audited([*lived("fs"), *lived("s", offset=1, seconds=9000)], tmp_path)
    assert seen.findings == []
    assert seen.result.counts["acceptedAgain"] == seen.result.counts["accepted"] == seen.result.counts["sent"] == 1
    broken = without(lived("s", offset=1, seconds=9000), Sent)
    assert audited([*lived("fs"), *broken], tmp_path, now=milliseconds(at(99_999))).kinds == ["stuck"]


def test_an_id_accepted_again_while_its_job_is_remembered_leads_to_nothing(tmp_path: Path) -> None:
    seen = audited([*lived("s"), born(offset=1, seconds=9000)], tmp_path)
    assert seen.findings == []
    assert seen.result.counts["sent"] == 1


def test_poison_needs_a_dead_letter(tmp_path: Path) -> None:
    log: list[Event[Body] | Raw] = [*lived("s"), Raw(0, 4, b"k", b"poison")]
    letters = Letters({Place(0, 4): Skipped.ALL})
    assert audited(log, tmp_path).kinds == ["no-dead-letter"]
    assert audited(log, tmp_path, letters=letters).findings == []
    assert audited(log, tmp_path, applied=4).findings == []


def test_an_event_of_nobody_needs_a_dead_letter(tmp_path: Path) -> None:
    stray: Events = [event(Sent(1), "nobody")]
    assert audited(stray, tmp_path).kinds == ["no-dead-letter"]
    seen = audited(stray, tmp_path, letters=Letters({Place(0, 0): Skipped.MOVE}))
    assert seen.findings == []
    assert (seen.rows["nobody"].job, seen.rows["nobody"].lines) == (None, 1)


def test_a_lost_record_of_the_log_is_found(tmp_path: Path) -> None:
    log = [Raw(0, number, b"k", encode(one)) for number, one in enumerate(lived("s")) if number != 2]
    assert "hole" in audited(log, tmp_path).kinds


def test_a_job_that_was_given_up_with_a_dead_letter_is_not_stuck(tmp_path: Path) -> None:
    letters = Letters(unfolded={Place(0, 0)})
    assert audited([born()], tmp_path, letters=letters).findings == []


@given(
    outcomes=st.lists(LIVES, max_size=12),
    seed=st.integers(0, 99),
)
def test_stories_in_a_file_are_the_same_as_in_memory(outcomes: list[str], seed: int, tmp_path_factory: object) -> None:
    folder = tmp_path_factory.mktemp("audit")  # type: ignore[attr-defined]
    log = shuffled((lived(each, f"n{number}", number) for number, each in enumerate(outcomes)), seed)
    assert digests(audited(log, folder)) == digests(audited(log, folder, held=2))


def test_the_digest_of_a_log_depends_on_every_byte(tmp_path: Path) -> None:
    log = [Raw(0, number, b"k", encode(one)) for number, one in enumerate(lived("s"))]
    other = [*log[:-1], Raw(0, len(log) - 1, b"K", log[-1].value)]
    assert audited(log, tmp_path).result.digest == audited(log, tmp_path).result.digest
    assert audited(log, tmp_path).result.digest != audited(other, tmp_path).result.digest
