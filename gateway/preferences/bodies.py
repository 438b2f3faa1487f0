"""What preferences are set with: a body in, what it wants or all that is wrong with it out. Pure."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.bodies import decoded
from gateway.query import Wrong
from streams.events import Activity, Channel, QuietHours
from streams.rules.quiet_hours import UnknownZone, zone

MAX_BODY = 64 * 1024
MAX_MUTED = 100
"""Actors that one recipient may mute: lifecycle keeps them in memory."""
MAX_ACTOR = 256
"""Characters."""
Actor = Annotated[str, Meta(min_length=1, max_length=MAX_ACTOR)]


class WantedHours(QuietHours, frozen=True, forbid_unknown_fields=True):
    """As the event has them."""


class Wanted(Struct, rename="camel", forbid_unknown_fields=True):
    """What a PUT may say; what is left out is on, not muted and never quiet."""

    types: dict[Activity, bool] = {}
    channels: dict[Channel, bool] = {}
    muted_actors: Annotated[tuple[Actor, ...], Meta(max_length=MAX_MUTED)] = ()
    quiet_hours: WantedHours | None = None
    by: str = "api"
    why: str = ""


def read(raw: bytes) -> Wanted:
    """Raises `Wrong`."""
    wanted = decoded(raw, Wanted, MAX_BODY)
    if wanted.quiet_hours is not None:
        _check(wanted.quiet_hours)
    return wanted


def _check(quiet: QuietHours) -> None:
    if quiet.start == quiet.end:
        raise Wrong({"quietHours.to": "must not be the same as from; without quietHours there are none"})
    try:
        zone(quiet.zone)
    except UnknownZone as error:
        raise Wrong({"quietHours.zone": f"can't be found: {error}"}) from error
