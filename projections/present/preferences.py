"""Read model RecipientPreferences: what was set last for each recipient, one document each. Pure.

Of two documents of a recipient the newer stands, and of one that was written twice the last, wherever batches end: so
folding again changes nothing.
"""

from collections.abc import Iterable
from typing import cast

import msgspec

from projections.position import Document
from projections.reading import Item
from streams.clock import to_millisecond
from streams.events import Event, PreferencesSet

PROJECTION = "RecipientPreferences"
VERSION = 1
"""Of this fold; a change that makes other documents of the same events needs a new one, and a rebuild."""


def newest(items: Iterable[Item]) -> list[Document]:
    """The documents that these items lead to, one a recipient."""
    documents: dict[str, Document] = {}
    for event, place in items:
        if isinstance(event.body, PreferencesSet):
            made = document(cast("Event[PreferencesSet]", event)) | {"position": place._asdict()}
            if documents.get(made["_id"], made)["version"] <= made["version"]:
                documents[made["_id"]] = made
    return list(documents.values())


def document(event: Event[PreferencesSet]) -> Document:
    """Without the place on the log. All fields are in every document, so that one can be written over another."""
    body = event.body
    return {
        "_id": body.personal.recipient,
        "version": body.version,
        "event": event.id,
        "since": to_millisecond(event.time),
        "typesOff": list(body.types_off),
        "channelsOff": list(body.channels_off),
        "mutedActors": list(body.personal.muted_actors),
        "quietHours": msgspec.to_builtins(body.quiet_hours),
        "by": body.by,
        "why": body.why,
    }
