"""The wall clock, for the edges only: rules are given their time."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time in UTC, cut to the millisecond, since MongoDB keeps no more."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
