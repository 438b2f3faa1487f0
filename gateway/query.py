"""What any list can be asked for: its query string in, filters and a page or all that is wrong with it out. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

LIMIT = 100
"""Rows of a page, as in the reference."""
MAX_LIMIT = 500
CursorT = TypeVar("CursorT")


class Wrong(ValueError):
    """Some parameters can't be: `faults` maps each to what is expected."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name} {fault}" for name, fault in faults.items()))
        self.faults = faults


def refuse_unknown(given: Iterable[str], known: Sequence[str]) -> None:
    """Raises `Wrong`: a misspelled filter would be none at all, and its answer that to another question."""
    only = f"only {', '.join(known)}" if known else "where there are no parameters"
    if faults := {name: f"is not known here, {only}" for name in given if name not in known}:
        raise Wrong(faults)


def parse_list(
    parameters: Mapping[str, str],
    names: Iterable[str],
    known: Mapping[str, tuple[str, ...]],
    cursor: Callable[[str | None], CursorT],
) -> tuple[dict[str, str], int, CursorT]:
    """What every list can be asked: filters by these names, the limit, and where to go on. Raises `Wrong`.

    `known` are the values of those filters that have a choice; `cursor` raises `ValueError` for what is none.
    """
    faults: dict[str, str] = {}
    filters = {name: parameters[name] for name in names if name in parameters}
    for name, choice in known.items():
        if name in filters and filters[name] not in choice:
            faults[name] = f"must be one of {', '.join(choice)}"
    limit = parameters.get("limit", str(LIMIT))
    if not (re.fullmatch(r"[0-9]{1,3}", limit) and 1 <= int(limit) <= MAX_LIMIT):
        faults["limit"] = f"must be a whole number from 1 to {MAX_LIMIT}"
    try:
        place = cursor(parameters.get("cursor"))
    except ValueError:
        faults["cursor"] = "must be the one from a Link header of this list"
    if faults:
        raise Wrong(faults)
    return filters, int(limit), place


def parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One of a list's, for the OpenAPI pages."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


PAGING = [
    parameter("limit", "Rows.", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT}),
]
"""What the lists' pages are asked for with, but for each list's own `cursor_parameter`."""


def cursor_parameter(pattern: str) -> dict[str, Any]:
    """For the OpenAPI pages; `pattern` is what such a cursor looks like."""
    return parameter("cursor", "From the Link header of the page before.", {"type": "string", "pattern": pattern})
