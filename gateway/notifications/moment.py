"""The parameter `at` in, a time of the past out. Pure: the present is given."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.query import Wrong, parameter
from streams.clock import from_milliseconds, iso, to_millisecond

EXPECTED = "must be a time with its zone, as 2026-01-01T12:00:00Z, or milliseconds since 1970"
AT = parameter(
    "at",
    "As of this time: ISO 8601 with a zone, or milliseconds since 1970; not in the future. Events count from the time "
    "that they tell, even if they came to the log later.",
    {"type": "string", "example": "2026-01-01T12:00:00Z"},
)
"""For the OpenAPI pages."""


def moment(parameters: Mapping[str, str], now: datetime) -> datetime | None:
    """The time asked for, cut to the millisecond; None if none is. Raises `Wrong`."""
    text = parameters.get("at")
    if text is None:
        return None
    try:
        time = _time(text)
        zoned = time.utcoffset() is not None
        time = time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Wrong({"at": EXPECTED}) from error
    if not zoned:
        raise Wrong({"at": f"{EXPECTED}; {text[:40]} has no zone"})
    if time > now:
        raise Wrong({"at": f"must not be in the future: here it is {iso(now)}"})
    return to_millisecond(time)


def _time(text: str) -> datetime:
    if re.fullmatch(r"-?[0-9]+", text):
        return from_milliseconds(int(text))
    zoned = re.sub(r" (?=\d\d:?\d\d$)", "+", text)  # what an unescaped plus of a query string comes as
    return datetime.fromisoformat(zoned)
