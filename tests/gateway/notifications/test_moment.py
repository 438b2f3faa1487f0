import pytest

from gateway.notifications.moment import moment
from gateway.query import Wrong
from streams.clock import iso, milliseconds
from tests.projections.lives import at

NOW = at(3600)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:01.500Z",
        "2026-01-01T00:00:01.5009Z",
        "2026-01-01T02:00:01.500+02:00",
        "2026-01-01T02:00:01.500 02:00",
        "20260101T000001.500Z",
        str(milliseconds(at(1.5))),
    ],
)
def test_a_time_is_read_in_any_usual_form(text: str) -> None:
    time = moment({"at": text}, NOW)
    assert time is not None
    assert iso(time) == "2026-01-01T00:00:01.500Z"


def test_without_the_parameter_the_present_is_meant() -> None:
    assert moment({}, NOW) is None


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01T00:00:00Z", "1.5", "9" * 40, "9" * 5000, "0001-01-01T00:00:00+14:00", "NaN"]
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(Wrong, match="at must be a time with its zone"):
        moment({"at": text}, NOW)


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00"])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(Wrong, match="has no zone"):
        moment({"at": text}, NOW)


def test_the_future_is_refused_with_the_time_it_is_here() -> None:
    with pytest.raises(Wrong, match="not be in the future: here it is 2026-01-01T01:00:00"):
        moment({"at": iso(at(3600.001))}, NOW)
    assert moment({"at": iso(NOW)}, NOW) == NOW
