"""What copies there may be, and in what order they are written."""

from datetime import UTC, datetime

import pytest

from projections.copies.copies import Impossible, Pointer, alone, begun, called_off, cut_over, dropped, led, plan
from streams.exits import Refused
from streams.operations import CutOver, Event

DONE = Event(CutOver("M", "M", "M_2", 1), datetime(2026, 5, 4, tzinfo=UTC), "cli", "ada", "why")


def with_shadow(version: int = 1, *, followed: bool = False, leads: bool = False) -> Pointer:
    pointer = begun(alone("M", 1), version)
    pointer = led(pointer, followed=followed) if followed or leads else pointer
    return pointer if leads else called_off(pointer)


def gone_over(version: int = 1) -> Pointer:
    return cut_over(with_shadow(version, followed=True, leads=True), DONE)


def layers(pointer: Pointer, version: int = 1) -> list[str]:
    return [layer["M"] for layer in plan([pointer], {"M": version}).layers]


def test_a_read_model_without_a_pointer_is_live_under_its_own_name() -> None:
    assert layers(alone("M", 1)) == ["M"]
    assert plan([alone("M", 1)], {"M": 1}).ahead == {}


def test_a_shadow_gets_a_name_that_no_copy_had_before() -> None:
    again = begun(dropped(gone_over(), DONE), 1)
    assert again.other is not None
    assert (again.live.name, again.other.name) == ("M_2", "M_3")


def test_a_shadow_that_was_begun_is_gone_on_with() -> None:
    pointer = with_shadow()
    assert begun(pointer, 1) is pointer


def test_a_shadow_of_another_version_is_not() -> None:
    with pytest.raises(Impossible, match=r"M_2 \(version 1\) was begun, and this program is of version 2"):
        begun(with_shadow(), 2)


def test_a_copy_that_is_kept_must_be_dropped_before_the_next_is_begun() -> None:
    with pytest.raises(Impossible, match="kept for roll-back"):
        begun(gone_over(), 1)


def test_a_shadow_is_not_written_before_it_is_handed_over() -> None:
    assert layers(with_shadow()) == ["M"]
    assert layers(with_shadow(followed=True)) == ["M", "M_2"]


def test_the_copy_that_leads_is_written_first_whether_it_is_live_or_not() -> None:
    assert layers(with_shadow(followed=True, leads=True)) == ["M_2", "M"]
    assert layers(gone_over()) == ["M_2", "M"]
    assert layers(led(gone_over(), followed=True)) == ["M", "M_2"]


def test_a_cut_over_keeps_the_copy_that_was_live() -> None:
    pointer = gone_over()
    assert pointer.other is not None
    assert (pointer.live.name, pointer.other.name, pointer.owed) == ("M_2", "M", DONE)
    assert pointer.live.served


def test_back_and_forth_is_as_before() -> None:
    back = cut_over(led(gone_over(), followed=True), DONE)
    assert back.other is not None
    assert (back.live.name, back.other.name) == ("M", "M_2")


def test_nobody_goes_over_to_a_copy_that_does_not_lead() -> None:
    with pytest.raises(Impossible, match="called off"):
        cut_over(with_shadow(), DONE)


def test_a_dropped_copy_leads_no_more() -> None:
    pointer = dropped(with_shadow(leads=True), DONE)
    assert (pointer.other, pointer.leading) == (None, "M")
    with pytest.raises(Impossible, match="no other copy"):
        dropped(pointer, DONE)


def test_every_change_has_a_revision_of_its_own() -> None:
    pointers = [alone("M", 1), begun(alone("M", 1), 1), with_shadow(leads=True), gone_over()]
    assert [pointer.revision for pointer in pointers] == [0, 1, 2, 3]


def test_a_program_writes_the_copies_of_its_version_and_waits_for_a_leading_one_of_another() -> None:
    leading = with_shadow(2, leads=True)
    assert (layers(leading), plan([leading], {"M": 1}).ahead) == (["M"], {"M": "M_2"})
    over = cut_over(leading, DONE)
    assert (layers(over), plan([over], {"M": 1}).ahead) == (["M"], {"M": "M_2"})
    assert (layers(over, 2), plan([over], {"M": 2}).ahead) == (["M_2"], {})


def test_a_program_without_a_copy_of_its_version_is_told_how_to_make_one() -> None:
    with pytest.raises(Refused, match=r"M \(version 1\) is the live copy.*folds version 2: `./tidings rebuild M`"):
        plan([alone("M", 1)], {"M": 2})
