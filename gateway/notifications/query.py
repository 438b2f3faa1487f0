"""The query string of the list of notifications in, what is asked for or all that is wrong with it out. Pure."""

from collections.abc import Mapping
from typing import NamedTuple, get_args

from gateway.notifications.pages import CURSOR, Cursor
from gateway.query import LIMIT, PAGING, cursor_parameter, parameter, parse_list
from projections.present.jobs import SELECTIVE
from streams.events import CHANNELS
from streams.rules.phase import Status

STATUSES: tuple[Status, ...] = get_args(Status)


class Query(NamedTuple):
    """`filters` are field names with the value wanted."""

    filters: dict[str, str]
    limit: int = LIMIT
    cursor: Cursor = Cursor()


def parse(parameters: Mapping[str, str]) -> Query:
    """Raises `Wrong`. `at` is read by `moment`."""
    known = {"status": STATUSES, "type": CHANNELS}
    return Query(*parse_list(parameters, SELECTIVE, known, _cursor))


def _cursor(text: str | None) -> Cursor:
    return Cursor() if text is None else Cursor.parse(text)


PARAMETERS = [
    parameter("status", "Only these.", {"type": "string", "enum": list(STATUSES)}),
    parameter("type", "Only this channel.", {"type": "string", "enum": list(CHANNELS)}),
    parameter("recipient", "Only to this recipient, exactly.", {"type": "string"}),
    *PAGING,
    cursor_parameter(f"^{CURSOR.pattern}$".replace(r"\w", "A-Za-z0-9_")),
]
"""For the OpenAPI pages."""
