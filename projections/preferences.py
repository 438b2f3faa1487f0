"""Read model RecipientPreferences: what was set last for each recipient, one document each. Pure.

It has no position of its own: of two documents of a recipient the newer stands, so folding again changes nothing.
"""

from collections.abc import Iterable
from typing import cast

import msgspec

from projections.batch import Item
from projections.position import Document
from streams.events import Event, PreferencesSet

PROJECTION = "RecipientPreferences"


def newest(items: Iterable[Item]) -> list[Document]:
    """The documents that these items lead to, one a recipient."""
    documents: dict[str, Document] = {}
    for event, _ in items:
        if isinstance(event.body, PreferencesSet):
            made = document(cast("Event[PreferencesSet]", event))
            known = documents.setdefault(made["_id"], made)
            if known["version"] < made["version"]:
                documents[made["_id"]] = made
    return list(documents.values())


def document(event: Event[PreferencesSet]) -> Document:
    """All fields are in every document, so that one can be written over another."""
    body = event.body
    return {
        "_id": body.personal.recipient,
        "version": body.version,
        "event": event.id,
        "since": event.time,
        "typesOff": list(body.types_off),
        "channelsOff": list(body.channels_off),
        "mutedActors": list(body.personal.muted_actors),
        "quietHours": msgspec.to_builtins(body.quiet_hours),
        "by": body.by,
        "why": body.why,
    }
