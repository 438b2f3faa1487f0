"""When readers may not go over."""

from projections.rebuild.gate import Compared, Difference, Kind, lag, passed, refusals


def compared(*kinds: Kind, same_version: bool = True) -> Compared:
    found = Compared(same_version, limit=2)
    for number, kind in enumerate(kinds):
        found.add(Difference(kind, str(number), None, None))
    return found


def test_two_copies_that_are_equal_may_be_changed_over() -> None:
    assert refusals(compared(), accepted=False) == []


def test_of_one_version_no_difference_is_explained() -> None:
    for kind in ("missing", "added", "differs", "counters"):
        (why,) = refusals(compared(kind), accepted=False)
        assert why.startswith("1 difference that nothing explains")


def test_another_version_explains_what_differs_and_what_is_added_but_not_what_is_missing() -> None:
    assert refusals(compared("differs", "added", "counters", same_version=False), accepted=False) == []
    (why,) = refusals(compared("differs", "missing", same_version=False), accepted=False)
    assert why.startswith("1 difference that nothing explains")


def test_a_person_may_accept_differences() -> None:
    assert refusals(compared("missing"), accepted=True) == []


def test_all_differences_are_counted_and_the_first_are_kept() -> None:
    found = compared("missing", "differs", "differs")
    assert ([one.id for one in found.first], found.unexplained, found.kinds["differs"]) == (["0", "1"], 3, 2)


def test_every_partition_must_have_passed() -> None:
    ends = {0: 5, 1: 7}
    assert passed(ends, {0: 5, 1: 9})
    assert not passed(ends, {0: 9, 1: 6})
    assert not passed(ends, {0: 9})
    assert lag(ends, {0: 9, 1: 6}) == 1
