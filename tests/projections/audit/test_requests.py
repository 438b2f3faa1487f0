"""Coverage: every request that admit has read has an outcome, or a dead letter, or was given up in the open."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from projections.audit.coverage import Covered, between, combined, runs, single
from projections.audit.letters import Letters
from projections.audit.requests import Requests, judge

OFFSETS = st.sets(st.integers(0, 5000), max_size=60)


def judged(covered: set[int], applied: int | None, letters: Letters | None = None, end: int = 10) -> Requests:
    known = {} if applied is None else {0: applied}
    return judge({0: end}, known, {0: Covered(single(covered), 0)}, letters or Letters(), 100)


def test_all_requests_with_outcomes_are_clean() -> None:
    requests = judged(set(range(10)), 10)
    assert not requests.findings.counts
    assert (requests.total, requests.unread) == (10, 0)


def test_a_gap_is_found_and_told_from_what_is_unread() -> None:
    requests = judged({0, 1, 2, 6}, 8)
    assert [finding.id for finding in requests.findings] == ["notification-requests[0]@3", "notification-requests[0]@7"]
    assert requests.unread == 2


def test_dead_letters_and_accepted_gaps_excuse() -> None:
    letters = Letters(requests={0: {3}}, gaps={0: between(4, 6)})
    requests = judged({0, 1, 2, 6, 7, 8, 9}, 10, letters)
    assert not requests.findings.counts
    assert (requests.lettered, requests.lost) == (1, 2)


def test_a_request_with_two_outcomes_is_found() -> None:
    covered = combined([(0, 0b11), (0, 0b10)])
    requests = judge({0: 2}, {0: 2}, covered, Letters(), 100)
    assert [finding.kind for finding in requests.findings] == ["decided-twice"]


def test_a_group_that_lost_its_offsets_is_found() -> None:
    assert [finding.kind for finding in judged({0}, None).findings] == ["no-position"]


@given(OFFSETS)
def test_runs_are_the_set(offsets: set[int]) -> None:
    told = list(runs(single(offsets), 1000))
    assert {offset for first, last in told for offset in range(first, last + 1)} == offsets
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(told))
