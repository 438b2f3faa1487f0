"""What can come of a question or a write to MongoDB; which one it is says what to do. Pure."""

from projections.position import Place

Culprit = str | Place
"""A notification, all of whose events are at fault, or the place of a single event that is."""


class Unavailable(Exception):
    """MongoDB is away or refuses; nothing is wrong with what was asked of it."""


class Conflict(Exception):
    """What is stored is not what was read before: read it again."""


class Unstorable(Exception):
    """BSON has no form for something in the documents that these led to."""

    def __init__(self, culprits: set[Culprit], why: str) -> None:
        super().__init__(why)
        self.culprits = culprits
