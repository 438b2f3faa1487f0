"""What a batch comes to in a collection: new documents, and changes of those that are there. Pure."""

from dataclasses import dataclass, field
from typing import NamedTuple

from projections.position import Document


class Update(NamedTuple):
    """A write that holds only if these fields of the document still are what was read."""

    id: str
    unmoved: Document
    changes: Document


@dataclass(slots=True)
class Writes:
    """Documents that are not there yet, and updates of others."""

    documents: list[Document] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
