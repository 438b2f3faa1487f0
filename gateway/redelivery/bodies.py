"""What a redelivery is asked for with over HTTP: bodies in, what they mean or all that is wrong with them out."""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from gateway.bodies import decoded
from gateway.query import Wrong
from gateway.redelivery.bulk import Selection
from gateway.redelivery.wishes import Words
from streams.clock import EPOCH
from streams.events import Channel

MAX_BODY = 16 * 1024
MOST = 100_000
"""Notifications of one bulk."""
Said = Annotated[str, Meta(max_length=1000)]
Instant = Annotated[datetime, Meta(tz=True)]


class One(Struct, forbid_unknown_fields=True):
    """For one notification."""

    why: Said
    by: Said = "api"


class Many(Struct, forbid_unknown_fields=True, rename={"begin": "from", "until": "to"}):
    """For all that the filters leave; `preview` tells what these are, and does nothing."""

    status: Literal["failed", "sent"]
    type: Channel | None = None
    recipient: str | None = None
    begin: Instant = EPOCH
    until: Instant | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 1000
    rate: Annotated[float, Meta(gt=0, le=1000)] = 50.0
    preview: bool = False
    why: Said = ""
    by: Said = "api"

    @property
    def selection(self) -> Selection:
        """What it leaves."""
        return Selection(self.status, self.type, self.recipient, self.begin, self.until, self.limit)


BodyT = TypeVar("BodyT", One, Many)


def read(raw: bytes, kind: type[BodyT]) -> BodyT:
    """The body. Raises `Wrong`."""
    return decoded(raw, kind, MAX_BODY)


def words(body: One | Many) -> Words:
    """Who wants it and why. Raises `Wrong` where that is not said: the log keeps it for ever."""
    faults = {field: "must be said" for field in ("by", "why") if not getattr(body, field).strip()}
    if faults:
        raise Wrong(faults)
    return Words(body.by, body.why)
