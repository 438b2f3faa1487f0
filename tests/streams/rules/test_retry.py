"""How long a failed attempt waits for the next one."""

from datetime import timedelta

import pytest

from streams.rules.retry import ExponentialRetry, Retry, retry_by
from tests.support.numbers import RETRY

SECOND = timedelta(seconds=1)


def waits(retry: Retry, attempts: int = 5) -> list[float]:
    return [retry.delay(number).total_seconds() for number in range(1, attempts + 1)]


def test_the_reference_waits_a_second_more_after_each_failure() -> None:
    assert waits(RETRY) == [1, 2, 3, 4, 5]


def test_an_exponential_wait_doubles_and_stops_at_the_longest() -> None:
    assert waits(ExponentialRetry(SECOND, 10 * SECOND)) == [1, 2, 4, 8, 10]
    assert waits(ExponentialRetry(SECOND / 2, timedelta(days=1)), 3) == [0.5, 1, 2]


def test_however_many_attempts_there_are_the_wait_can_be_said() -> None:
    assert ExponentialRetry(timedelta(days=1), timedelta(days=7)).delay(100_000) == timedelta(days=7)


@pytest.mark.parametrize(("name", "third"), [("linear", 6), ("exponential", 8)])
def test_a_policy_is_chosen_by_its_name(name: str, third: float) -> None:
    assert retry_by(name, 2 * SECOND, timedelta(hours=1)).delay(3).total_seconds() == third  # type: ignore[arg-type]
