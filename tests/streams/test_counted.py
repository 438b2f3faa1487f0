"""Numbers of things as people say them."""

import pytest

from streams.counted import counted


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, "0 letters"), (1, "1 letter"), (2, "2 letters"), (1_234, "1,234 letters")],
)
def test_only_one_is_singular_and_thousands_are_set_apart(count: int, told: str) -> None:
    assert counted(count, "letter") == told


def test_a_plural_of_its_own_is_given() -> None:
    assert [counted(count, "copy", "copies") for count in (1, 2)] == ["1 copy", "2 copies"]
