"""What a replay is asked for: which events, into what, how fast. Pure; `operations` tells what becomes of it."""

from typing import Annotated, get_args

from msgspec import Meta, Struct

from streams.events import KINDS, Fact, Instant

TYPES: tuple[str, ...] = tuple(KINDS[fact] for fact in get_args(Fact))
"""What an event of the log can be, as `sent`."""


class Selection(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The events that meet all of it; what is None or empty leaves none out.

    `since` and `until` are the events' own times, `until` exclusive. `recipient_key` is the key of the recipient's
    records: who it is stays off the record. A status is the one that an event gives to its notification.
    """

    since: Instant | None = None
    until: Instant | None = None
    recipient_key: str | None = None
    notification: str | None = None
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()


class Order(Struct, frozen=True, rename="camel", omit_defaults=True):
    """`into` is a target in writing (see `projections.replay.targets`), `rate` in events a second, at most.

    A `preview` is counted, and then waits to be resumed.
    """

    selection: Selection
    into: str
    rate: Annotated[float, Meta(gt=0)]
    preview: bool = False


Extents = dict[int, tuple[int, int]]
"""By partition of the log: the first offset to read, and the one after the last."""
