"""What exports and imports refuse is told in its own words, without asking whether the stack is up."""

import pytest

from deploy.commands.archive import _run
from deploy.stack.errors import StackError
from streams.archive.exporting import Taken
from streams.archive.layout import Damaged
from streams.codec import UnknownType
from streams.exits import Refused


@pytest.mark.parametrize(
    "error",
    [
        Damaged("its digest is not that of its parts"),
        Refused("expected an empty system"),
        UnknownType("event type 'x' is not known here: upgrade this program before its producers"),
        Taken("expected a new or an empty folder"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_refusal_is_told_in_its_own_words(error: Exception) -> None:
    async def refuse() -> None:
        raise error

    with pytest.raises(StackError) as raised:
        _run(refuse())
    assert str(raised.value) == str(error)
