"""When quiet hours end: at their boundaries, across midnight, where clocks change, and for every moment there is."""

import os
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import QuietHours
from streams.rules.quiet_hours import UnknownZone, quiet_until, zone

NIGHT = QuietHours("22:00", "07:00", "Europe/Berlin")
LUNCH = QuietHours("12:00", "13:00", "Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-01-10T10:59:59.999", None),
        ("2026-01-10T11:00:00", "2026-01-10T12:00:00"),
        ("2026-01-10T11:59:59.999", "2026-01-10T12:00:00"),
        ("2026-01-10T12:00:00", None),
    ],
)
def test_they_begin_with_their_first_moment_and_end_before_their_last(now: str, end: str | None) -> None:
    assert quiet_until(LUNCH, utc(now)) == (end and utc(end))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-01-10T20:59:59.999", None),
        ("2026-01-10T21:00:00", "2026-01-11T06:00:00"),
        ("2026-01-10T23:30:00", "2026-01-11T06:00:00"),
        ("2026-01-11T05:59:59.999", "2026-01-11T06:00:00"),
        ("2026-01-11T06:00:00", None),
        ("2026-07-10T20:00:00", "2026-07-11T05:00:00"),
    ],
)
def test_those_of_a_night_go_on_past_midnight_by_the_clock_of_their_zone(now: str, end: str | None) -> None:
    assert quiet_until(NIGHT, utc(now)) == (end and utc(end))


@pytest.mark.parametrize("at", ["00:00", "12:00", "23:59"])
def test_those_that_end_where_they_begin_are_none(at: str) -> None:
    nothing = QuietHours(at, at, "UTC")
    assert [quiet_until(nothing, utc(f"2026-01-10T{hour:02}:00:00")) for hour in range(24)] == [None] * 24


def test_those_up_to_midnight_end_with_the_day() -> None:
    assert quiet_until(QuietHours("20:00", "00:00", "UTC"), utc("2026-01-10T23:59:59")) == utc("2026-01-11T00:00:00")


NEW_YORK = "America/New_York"  # 2026-03-08 02:00 -> 03:00 at 07:00 UTC; 2026-11-01 02:00 -> 01:00 at 06:00 UTC


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("22:00", "02:30", "2026-03-08T06:59:59", "2026-03-08T07:30:00"),  # 02:30 is skipped: as long as on other days
        ("22:00", "02:30", "2026-03-08T07:29:59", "2026-03-08T07:30:00"),
        ("22:00", "02:30", "2026-03-08T07:30:00", None),
        ("02:30", "05:00", "2026-03-08T07:29:59", None),
        ("02:30", "05:00", "2026-03-08T07:30:00", "2026-03-08T09:00:00"),
        ("22:00", "07:00", "2026-03-08T03:00:00", "2026-03-08T11:00:00"),  # a night of eight hours
        ("22:00", "01:30", "2026-11-01T05:29:59", "2026-11-01T05:30:00"),  # the first 01:30 of two
        ("22:00", "01:30", "2026-11-01T05:30:00", None),
        ("22:00", "01:30", "2026-11-01T06:10:00", None),  # 01:10 for the second time
        ("01:30", "05:00", "2026-11-01T05:30:00", "2026-11-01T10:00:00"),
        ("01:30", "05:00", "2026-11-01T06:10:00", "2026-11-01T10:00:00"),
        ("22:00", "07:00", "2026-11-01T02:00:00", "2026-11-01T12:00:00"),  # a night of ten
    ],
)
def test_a_local_time_that_clocks_skip_or_repeat_is_read_as_in_calendars(
    start: str, end: str, now: str, until: str | None
) -> None:
    assert quiet_until(QuietHours(start, end, NEW_YORK), utc(now)) == (until and utc(until))


def test_an_end_that_is_skipped_before_midnight_is_past_it() -> None:
    skipped = QuietHours("20:00", "22:30", "America/Nuuk")  # 2024-03-30 22:00 -> 23:00 at 2024-03-31 00:00 UTC
    assert quiet_until(skipped, utc("2024-03-31T00:10:00")) == utc("2024-03-31T00:30:00")
    day_end = QuietHours("20:00", "00:30", "Africa/Cairo")  # 2024-04-26 00:00 -> 01:00 at 2024-04-25 22:00 UTC
    assert quiet_until(day_end, utc("2024-04-25T22:20:00")) == utc("2024-04-25T22:30:00")


TIMES = st.times().map(lambda time: f"{time:%H:%M}")
PLACES = st.sampled_from([NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "UTC"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(TIMES, TIMES, PLACES, MOMENTS)
def test_every_hold_ends_within_a_day_and_an_hour_and_is_over_then(
    start: str, end: str, place: str, now: datetime
) -> None:
    quiet = QuietHours(start, end, place)
    until = quiet_until(quiet, now)
    if until is not None:
        assert timedelta() < until - now <= timedelta(hours=25)
        assert quiet_until(quiet, until - timedelta(microseconds=1)) == until
        following = quiet_until(quiet, until)
        assert following is None or following - until > timedelta(hours=22)  # the next day's begin at once


@given(TIMES, TIMES, MOMENTS)
def test_without_changes_of_clocks_it_is_plain_arithmetic(start: str, end: str, now: datetime) -> None:
    at = f"{now:%H:%M}"
    expected = start <= at < end if start <= end else at >= start or at < end
    assert (quiet_until(QuietHours(start, end, "UTC"), now) is not None) == expected


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../zones", "/etc/passwd", "europe/berlin", "Europe"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone, match="Europe/Berlin"):
        zone(name)


def test_zones_are_the_package_s_and_never_the_machine_s(tmp_path: Path) -> None:
    wrong = tmp_path / "Asia" / "Tokyo"
    wrong.parent.mkdir()
    wrong.write_bytes(files("tzdata").joinpath("zoneinfo", "UTC").read_bytes())
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([os.fspath(tmp_path)])
    try:
        assert datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo.no_cache("Asia/Tokyo")).utcoffset() == timedelta()
        zone.cache_clear()
        assert datetime(2026, 1, 1, tzinfo=zone("Asia/Tokyo")).utcoffset() == timedelta(hours=9)
    finally:
        zoneinfo.reset_tzpath(before)
        zone.cache_clear()
