"""What takes the events of a replay, whatever kind it is. It may get an event more than once.

What fails is tried again a few times, with growing pauses, and then comes out as `Failing`; what trying again can't
mend comes out as that at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from projections.replay.selecting import Picked

MARK = "tidingsreplay"
"""The CloudEvents extension attribute that holds the replay's id."""
ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds; each pause is twice the one before, and up to a second longer by chance."""

ResultT = TypeVar("ResultT")


class Failing(Exception):
    """The target does not take an event; the text says which, and what came."""


class Passing(Exception):
    """It does not take it now."""


class Handler(Protocol):
    """Takes events in their order. `at_once`: how many, at most."""

    @property
    def at_once(self) -> int: ...  # noqa: D102

    async def take(self, events: Sequence[Picked]) -> None:
        """Returns when the target has all of them. Raises `Failing`."""


async def patiently(call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Its result, tried again while it is `Passing`. Raises `Failing`."""

    async def attempt() -> ResultT:
        """Trap: tenacity awaits only what it knows for a coroutine function, which a lambda is not."""
        return await call()

    attempts = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
        retry=retry_if_exception_type(Passing),
        reraise=True,
    )
    try:
        return await attempts(attempt)
    except Passing as error:
        raise Failing(f"{error}, {ATTEMPTS} times") from error


def marked(event: Picked, replay: str) -> bytes:
    """The event as it is on the log, byte for byte, with one attribute more in front."""
    body = (event.record.value or b"").lstrip()
    return b'{"%s":"%s",%s' % (MARK.encode(), replay.encode(), body[1:])
