"""A read model as others add one: how often each kind of event was told, and when last."""

from projections.position import Document
from streams.events import Body, Event

PROJECTION = "Kinds"
VERSION = 3


def key(event: Event[Body]) -> str | None:
    """Its kind."""
    return type(event.body).__name__


def evolve(known: Document, event: Event[Body]) -> Document:
    """One more."""
    return {"count": known.get("count", 0) + 1, "last": max(known.get("last", event.time), event.time)}
