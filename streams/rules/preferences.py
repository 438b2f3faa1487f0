"""What a recipient wants: whether a notification may go out to them, and whether now. Pure.

Lifecycle keeps it under the recipient's key and asks before each hand-over to a lane.
"""

from datetime import datetime, timedelta

import msgspec

from streams.clock import from_milliseconds
from streams.codec import Undecodable
from streams.events import (
    Activity,
    Channel,
    Event,
    PreferencesSet,
    Priority,
    QuietHours,
    Request,
    WithholdingReason,
)
from streams.folding.rule import SHARED
from streams.rules.quiet_hours import UnknownZone, quiet_until, zone


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True, tag="preferences", gc=False):
    """As lifecycle's table keeps it; `id` is that of the event that set it."""

    id: str
    version: int
    types_off: tuple[Activity, ...] = ()
    channels_off: tuple[Channel, ...] = ()
    muted_actors: tuple[str, ...] = ()
    quiet_hours: QuietHours | None = None


def key(recipient_key: bytes) -> bytes:
    """The table key."""
    return SHARED + recipient_key


def evolve(preferences: Preferences | None, event: Event[PreferencesSet]) -> Preferences:
    """The preferences after this event: the newest stand, in whatever order they come. Raises `Undecodable`."""
    body = event.body
    _check(body.quiet_hours)
    if preferences is not None and preferences.version >= body.version:
        return preferences
    muted = body.personal.muted_actors
    return Preferences(event.id, body.version, body.types_off, body.channels_off, muted, body.quiet_hours)


def refused(preferences: Preferences, request: Request) -> WithholdingReason | None:
    """Why the recipient does not want this at all, if they don't."""
    if request.channel in preferences.channels_off:
        return "channel-off"
    if request.activity in preferences.types_off:
        return "type-off"
    return "actor-muted" if request.personal.actor in preferences.muted_actors else None


def held_until(preferences: Preferences, priority: Priority, now: datetime) -> datetime | None:
    """When the quiet hours end that it has to wait for, if it has to."""
    quiet = preferences.quiet_hours
    if quiet is None or (priority == "transactional" and quiet.transactional_passes):
        return None
    return quiet_until(quiet, now)


def expires(preferences: Preferences, grace: timedelta) -> datetime | None:
    """Only those that say nothing may be forgotten."""
    if preferences.types_off or preferences.channels_off or preferences.muted_actors or preferences.quiet_hours:
        return None
    return from_milliseconds(preferences.version) + grace


def _check(quiet: QuietHours | None) -> None:
    """A zone that nobody here knows is refused at once: or all that is judged by it later would fail."""
    try:
        zone("UTC" if quiet is None else quiet.zone)
    except UnknownZone as error:
        raise Undecodable(str(error)) from error
