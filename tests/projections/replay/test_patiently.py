import pytest

from projections.replay import handling
from projections.replay.handling import ATTEMPTS, Failing, Passing, patiently


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "LONGEST_PAUSE", 0.0)


class Target:
    """Fails so often, as said."""

    def __init__(self, failures: int, error: type[Exception] = Passing) -> None:
        self.calls, self._failures, self._error = 0, failures, error

    async def take(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error("no")
        return "taken"


async def test_what_passes_is_tried_again_also_through_a_lambda() -> None:
    target = Target(ATTEMPTS - 1)
    assert await patiently(lambda: target.take()) == "taken"  # noqa: PLW0108 - as the handlers call it
    assert target.calls == ATTEMPTS


async def test_it_is_not_tried_for_ever() -> None:
    target = Target(ATTEMPTS)
    with pytest.raises(Failing, match=f"no, {ATTEMPTS} times"):
        await patiently(target.take)
    assert target.calls == ATTEMPTS


async def test_what_trying_again_can_not_mend_is_told_at_once() -> None:
    target = Target(1, Failing)
    with pytest.raises(Failing, match="no"):
        await patiently(target.take)
    assert target.calls == 1
