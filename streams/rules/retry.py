"""How long to wait after a failed attempt; `Settings.retry` is the policy that is set."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

RetryPolicy = Literal["linear", "exponential"]
MOST_DOUBLINGS = 1000
"""A float holds no more than 1,023."""


class Retry(Protocol):
    """What lifecycle asks when an attempt has failed and another one is left."""

    def delay(self, attempts: int) -> timedelta:
        """The pause after this many failed attempts (1 or more)."""


@dataclass(frozen=True, slots=True)
class LinearRetry:
    """Wait `step` after the first failure, twice that after the second, and so on."""

    step: timedelta

    def delay(self, attempts: int) -> timedelta:
        """The pause after this many failed attempts (1 or more)."""
        return self.step * attempts


@dataclass(frozen=True, slots=True)
class ExponentialRetry:
    """Wait `step` after the first failure, then twice as long each time, but never longer than `longest`."""

    step: timedelta
    longest: timedelta

    def delay(self, attempts: int) -> timedelta:
        """The pause after this many failed attempts (1 or more)."""
        factor = 2.0 ** min(attempts - 1, MOST_DOUBLINGS)
        return timedelta(seconds=min(self.step.total_seconds() * factor, self.longest.total_seconds()))


def retry_by(policy: RetryPolicy, step: timedelta, longest: timedelta) -> Retry:
    """The policy of this name."""
    return LinearRetry(step) if policy == "linear" else ExponentialRetry(step, longest)
