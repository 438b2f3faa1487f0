"""How far a projection has folded a partition of the log, and which log that was. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self

from msgspec import Struct, structs

from streams.exits import Refused

UNREAD = -1
"""The position before the first record."""

Document = dict[str, Any]
"""As MongoDB keeps it."""


class Place(NamedTuple):
    """Where on the log an event lies."""

    partition: int
    offset: int


class LogIdentity(NamedTuple):
    """Which log it is: Kafka's ids of the cluster and of the topic. A topic that was made anew has a new one."""

    cluster: str
    topic: str


class Position(Struct, frozen=True):
    """`offset` is the last one folded, and the rest is of the events up to it.

    `counts` are the notifications by status, `newest` is their latest creation time, `skipped` counts events of types
    that were not known. `epoch` is the number of the taking over in which it was written: who takes a partition over
    raises it, and from then on nobody else can move the position.
    """

    offset: int = UNREAD
    counts: dict[str, int] = {}
    newest: datetime | None = None
    skipped: int = 0
    epoch: int | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any], version: int, identity: LogIdentity) -> Self:
        """The position in a stored document. Raises `Refused` if it is of another log or of another fold."""
        if stored["log"] != identity._asdict():
            raise Refused(
                f"{stored['_id']} is of the log {stored['log']}, but Kafka serves {identity._asdict()}: point "
                "KAFKA_URL or MONGO_URL (or MONGO_DATABASE) to the pair that belongs together, or start with an empty "
                "database"
            )
        if stored["version"] != version:
            raise Refused(
                f"{stored['_id']} was folded by version {stored['version']} of this projection, and this is version "
                f"{version}: run the program of that version, or rebuild into an empty database"
            )
        return cls(**{name: stored[name] for name in cls.__struct_fields__ if name in stored})

    def moving(self) -> Document:
        """The fields of its document that move."""
        return structs.asdict(self)

    def unmoved(self) -> Document:
        """Those of its document as they still are if nobody has moved it."""
        return {"offset": self.offset, "epoch": self.epoch}

    def taken_over(self) -> Self:
        """In an epoch of whoever takes it over."""
        return structs.replace(self, epoch=(self.epoch or 0) + 1)


def key(projection: str, partition: int) -> str:
    """The `_id` of a position document."""
    return f"{projection}:{partition}"


def document(projection: str, partition: int, version: int, identity: LogIdentity, position: Position) -> Document:
    """As it is stored."""
    return {
        "_id": key(projection, partition),
        "projection": projection,
        "partition": partition,
        "version": version,
        "log": identity._asdict(),
        **position.moving(),
    }
