"""Dead letters and operations as the audit takes them: what they excuse, and how they stand."""

from datetime import UTC, datetime

from projections.audit.letters import Letters
from projections.audit.story import Skipped
from projections.position import Place
from projections.reading import ASTRAY
from streams import operations
from streams.letters.dead_letters import Reason, Source, dead_letter
from streams.operations import Dropped, GapAccepted, Operation, Redriven
from streams.record import Record
from streams.topics import EVENTS, JOBS_QUEUE, REQUESTS
from tests.projections.audit.given import Raw

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def letter(stage: str, source: Source, error: str = "why", reason: Reason = "invalid") -> Record:
    return dead_letter(reason=reason, stage=stage, error=error, source=source, key=b"k", body=b"{}", time=NOW)


def operation(done: Operation) -> Record:
    return operations.to_record(operations.Event(done, NOW, "tidings", "ada"))


def read(letters: list[Record], done: list[Record]) -> Letters:
    made = Letters()
    made.add_letters(Raw(0, number, one.key, one.value) for number, one in enumerate(letters))
    made.add_operations(Raw(0, number, one.key, one.value) for number, one in enumerate(done))
    return made


def test_letters_are_known_by_what_they_are_about() -> None:
    letters = read(
        [
            letter("admit", Source(REQUESTS, 1, 7)),
            letter("lifecycle", Source(EVENTS, 2, 3)),
            letter("projections", Source(EVENTS, 2, 4), ASTRAY),
            letter("projections", Source(EVENTS, 3, 5)),
            letter("bridge", Source(JOBS_QUEUE)),
        ],
        [],
    )
    assert letters.requests == {1: {7}}
    assert letters.unfolded == {Place(2, 3)}
    assert letters.log == {
        Place(2, 3): Skipped.NOTHING,
        Place(2, 4): Skipped.MOVE,
        Place(3, 5): Skipped.ALL,
    }
    assert letters.part(2).log.keys() == {Place(2, 3), Place(2, 4)}


def test_two_stages_that_give_up_a_record_write_one_letter() -> None:
    source = Source(EVENTS, 0, 1)
    letters = read([letter("projections", source), letter("lifecycle", source)], [])
    assert (letters.log[Place(0, 1)], letters.unfolded) == (Skipped.ALL, {Place(0, 1)})
    assert letters.states()["open"] == 1


def test_a_letter_stands_as_it_was_last_dealt_with_until_it_comes_again() -> None:
    ones = [letter("admit", Source(REQUESTS, 0, offset)) for offset in range(3)]
    names = [one.id for one in ones]
    done = [operation(Redriven(names[0], 0, REQUESTS, 0, 9)), operation(Dropped(names[1], 1))]
    assert read(ones, done).states() == {"open": 1, "redriven": 1, "dropped": 1}
    assert read([*ones, ones[0]], done).states() == {"open": 2, "redriven": 0, "dropped": 1}


def test_a_gap_that_was_accepted_is_known_and_nonsense_is_counted() -> None:
    gap = operation(GapAccepted("admit", REQUESTS, 2, 3, 5))
    other = operation(GapAccepted("lifecycle", EVENTS, 2, 3, 5))
    letters = read([Record("", b"", b"no letter")], [gap, other, Record("", b"", None)])
    assert letters.gaps == {2: 0b11000}
    assert letters.unreadable == 2
