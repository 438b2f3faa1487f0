"""A dead letter's document in; what stands in the way of redriving or dropping it out. Pure."""

from projections.position import Document
from streams.letters.dead_letters import Source
from streams.letters.redrive import why_not
from streams.topics import DEAD_LETTERS


def to_redriving(document: Document, *, again: bool) -> str | None:
    """Why it is not put back, if there is a reason; `again`: although it was before."""
    if document["state"] == "dropped":
        return "it was dropped, for good"
    if document["state"] == "redriven" and not again:
        return 'it was redriven already: add --again (over HTTP, "again": true) if it has to be'
    if document["record"]["topic"] != DEAD_LETTERS:
        return "it is no letter but a record that could not be read: drop it"
    lost = document["size"] if document["truncated"] else 0
    return why_not(Source(**document["source"]), lost, document["sha256"])


def to_dropping(document: Document) -> str | None:
    """Why it is not given up, if there is a reason."""
    return None if document["state"] == "open" else f"it is {document['state']} already"
