"""A stored document in, the JSON that clients see out. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from projections.position import Document
from streams.clock import iso

Json = dict[str, Any]

INTERNAL = ("fold", "seq", "position")


def encode(value: object) -> bytes:
    """As JSON."""
    return orjson.dumps(value, default=str)


def job(document: Document) -> Json:
    """A job as the reference answers it, and what we know beyond that."""
    return {"id": document["_id"], **shown(document)}


def entry(document: Document) -> Json:
    """A line of a job's story."""
    return {"id": document["_id"], **shown(document), "details": shown(document["details"])}


def post(document: Document, names: Mapping[str, str]) -> Json:
    """A post, with its author's name if that is among those known, else the id."""
    author = document.get("authorId")
    return {"id": document["_id"], **shown(document), "authorName": names.get(author, author) if author else None}


def letter(document: Document) -> Json:
    """A dead letter."""
    told = {name: value for name, value in document.items() if name not in ("_id", *INTERNAL)}
    return {"id": document["_id"], **_deep(told)}


def shown(document: Document) -> Json:
    """The fields that clients see, times as text."""
    return {
        name: iso(value) if isinstance(value, datetime) else value
        for name, value in document.items()
        if name not in INTERNAL
    }


def _deep(value: Any) -> Any:  # noqa: ANN401 - JSON of any depth
    match value:
        case datetime():
            return iso(value)
        case dict():
            return {name: _deep(each) for name, each in value.items()}
        case list():
            return [_deep(each) for each in value]
        case _:
            return value
