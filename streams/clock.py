"""The wall clock, for the edges only (rules are given their time), and the one way a time is written for people."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def now() -> datetime:
    """The current time in UTC, cut to the millisecond, since MongoDB keeps no more."""
    return to_millisecond(datetime.now(UTC))


def to_millisecond(time: datetime) -> datetime:
    """A time cut to the millisecond."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def iso(time: datetime) -> str:
    """An aware time as JavaScript prints it: `2026-01-01T00:00:00.000Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def milliseconds(time: datetime) -> int:
    """An aware time as whole milliseconds since 1970, exact where a float would not be."""
    return round(time.timestamp() * 1000)


def from_milliseconds(count: float) -> datetime:
    """The time so many milliseconds after 1970 began. Raises `OverflowError`."""
    return EPOCH + timedelta(milliseconds=count)
