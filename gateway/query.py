"""The query string of a list in, what is asked for or all that is wrong with it out. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from gateway.pages import Cursor
from streams.events import CHANNELS
from streams.notification import Status

LIMIT = 100
"""Rows of a page, as in the reference."""
MAX_LIMIT = 500
STATUSES: tuple[Status, ...] = get_args(Status)


class Wrong(ValueError):
    """Some parameters can't be: `faults` maps each to what is expected."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name} {fault}" for name, fault in faults.items()))
        self.faults = faults


class Query(NamedTuple):
    """`filters` are field names with the value wanted."""

    filters: dict[str, str]
    limit: int = LIMIT
    cursor: Cursor = Cursor()


def parse(parameters: Mapping[str, str]) -> Query:
    """Raises `Wrong`. Parameters that nobody knows are left alone."""
    faults: dict[str, str] = {}
    filters = {name: parameters[name] for name in ("recipient", "status", "type") if name in parameters}
    for name, known in (("status", STATUSES), ("type", CHANNELS)):
        if name in filters and filters[name] not in known:
            faults[name] = f"must be one of {', '.join(known)}"
    limit = parameters.get("limit", str(LIMIT))
    if not (re.fullmatch(r"[0-9]{1,3}", limit) and 1 <= int(limit) <= MAX_LIMIT):
        faults["limit"] = f"must be a whole number from 1 to {MAX_LIMIT}"
    try:
        cursor = Cursor.parse(parameters["cursor"]) if "cursor" in parameters else Cursor()
    except ValueError:
        faults["cursor"] = "must be the one from a Link header of this list"
    if faults:
        raise Wrong(faults)
    return Query(filters, int(limit), cursor)


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


PARAMETERS = [
    _parameter("status", "Only these.", {"type": "string", "enum": list(STATUSES)}),
    _parameter("type", "Only this channel.", {"type": "string", "enum": list(CHANNELS)}),
    _parameter("recipient", "Only to this recipient, exactly.", {"type": "string"}),
    _parameter("limit", "Rows.", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT}),
    _parameter("cursor", "From the Link header of the page before.", {"type": "string"}),
]
"""For the OpenAPI pages."""
