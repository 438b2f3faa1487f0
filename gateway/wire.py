"""A stored document in, the JSON that clients see out. Pure."""

from typing import Any

import msgspec

from projections.position import Document
from streams.clock import iso

Json = dict[str, Any]

INTERNAL = ("fold", "seq")
ENCODER = msgspec.json.Encoder(enc_hook=str)


def encoded(value: object) -> bytes:
    """As JSON."""
    return ENCODER.encode(value)


def job(document: Document) -> Json:
    """A job as the reference answers it, and what we know beyond that; its id comes under both of the names in use."""
    shown = {"id": document["_id"], **document}
    for name in INTERNAL:
        shown.pop(name, None)
    for name in ("createdAt", "updatedAt", "acknowledgedAt"):
        if name in shown:
            shown[name] = iso(shown[name])
    return shown
