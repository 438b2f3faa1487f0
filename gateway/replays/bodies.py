"""What a replay is asked for with: bodies in, what they mean or all that is wrong with them out."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.notifications.query import STATUSES
from gateway.query import Wrong
from projections.replay.targets import TargetRefused, parse
from streams.events import Instant
from streams.intake.requests import recipient_key
from streams.replays import TYPES, Order, Selection
from streams.settings import Settings

RATE, MAX_RATE = 1000.0, 100_000.0
"""Events a second."""


class Asked(Struct, rename={"since": "from", "until": "to"}, forbid_unknown_fields=True):
    """What a POST may say."""

    into: str
    since: Instant | None = None
    until: Instant | None = None
    recipient: str | None = None
    notification: str | None = None
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    rate: Annotated[float, Meta(gt=0, le=MAX_RATE)] = RATE
    preview: bool = False
    by: str = "api"
    why: str = ""


class Said(Struct, forbid_unknown_fields=True):
    """Who wants a replay paused, resumed or cancelled, and why."""

    by: str = "api"
    why: str = ""


def order(asked: Asked, settings: Settings) -> Order:
    """What was asked for as it goes on record. Raises `Wrong`."""
    faults: dict[str, str] = {}
    try:
        parse(asked.into)
    except TargetRefused as error:
        faults["into"] = f"can't be: {error}"
    for field, given, known in (("types", asked.types, TYPES), ("statuses", asked.statuses, STATUSES)):
        if unknown := set(given) - set(known):
            faults[field] = f"must be of {', '.join(known)}, got {', '.join(sorted(unknown))}"
    if faults:
        raise Wrong(faults)
    return Order(selection(asked, settings), asked.into, asked.rate, asked.preview)


def selection(asked: Asked, settings: Settings) -> Selection:
    """Whose events: the recipient goes by the key of their records."""
    secret = settings.recipient_secret.get_secret_value()
    key = None if asked.recipient is None else recipient_key(asked.recipient, secret)
    return Selection(asked.since, asked.until, key, asked.notification, asked.types, asked.statuses)
