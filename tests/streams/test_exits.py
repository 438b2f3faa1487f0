"""With which code and words a process leaves when work that must not fail does."""

import pytest

from streams import exits
from streams.exits import Exit, Refused, or_die


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Exit, str]]:
    """How it would have left."""
    told: list[tuple[Exit, str]] = []
    monkeypatch.setattr(exits, "die", lambda *how: told.append(how))
    return told


async def test_work_that_does_not_fail_gives_its_result(left: list[tuple[Exit, str]]) -> None:
    async def work() -> int:
        return 7

    assert await or_die(work()) == 7
    assert left == []


async def test_what_is_refused_leaves_with_its_code_and_its_words_alone(
    left: list[tuple[Exit, str]], caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        raise Refused("the lane was made anew: run ./tidings recover deliver")

    await or_die(work())
    assert left == [(Exit.REFUSED, "the lane was made anew: run ./tidings recover deliver")]
    assert caplog.records == []


async def test_what_nobody_expected_leaves_as_a_failure_with_a_traceback(
    left: list[tuple[Exit, str]], caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        raise KeyError("bug")

    await or_die(work())
    assert left == [(Exit.FAILED, "KeyError('bug')")]
    assert "Traceback" in caplog.text
