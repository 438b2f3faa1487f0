"""Quiet hours: when the ones that a time lies in end. Pure, and the same on every machine, whatever its own zones say.

Their ends are local times, read as RFC 5545 (3.3.5) reads them: one that a change of clocks skips counts by the offset
before it, one that comes twice is the first. Zones are those of the package `tzdata`, never the machine's own.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from streams.events import QuietHours

DAY = timedelta(days=1)


class UnknownZone(LookupError):
    """No zone of the IANA database has this name."""


def quiet_until(quiet: QuietHours, now: datetime) -> datetime | None:
    """When the quiet hours that `now` lies in end; None if it lies in none. A moment at their end is not quiet."""
    place = zone(quiet.zone)
    today = now.astimezone(place).date()
    return max((end for start, end in _around(quiet, today, place) if start <= now < end), default=None)


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of this name. Raises `UnknownZone`."""
    if name not in _names():
        raise UnknownZone(f"expected the name of a zone in the IANA database, such as Europe/Berlin, got {name!r}")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())


def _around(quiet: QuietHours, today: date, place: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Those that begin yesterday and today: a skipped hour may push an end past midnight."""
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    for day in (today - DAY, today):
        until = day if start <= end else day + DAY
        yield _instant(day, start, place), _instant(until, end, place)


def _instant(day: date, at: time, place: ZoneInfo) -> datetime:
    return datetime.combine(day, at, place).astimezone(UTC)
