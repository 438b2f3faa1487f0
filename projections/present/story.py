"""Read model NotificationLog: an event of the log in, one line of its notification's story out. Pure.

An event that comes again has the id of the first, which is the entry's `_id`: the store drops it.
"""

from typing import Any, assert_never

from projections.position import Document, Place
from streams.clock import MILLISECOND
from streams.events import (
    Accepted,
    Acknowledged,
    Attempt,
    Body,
    CameDue,
    CoolOffLifted,
    Event,
    Failed,
    Held,
    Noted,
    PolicySet,
    PreferencesSet,
    Queued,
    RedeliveryRefused,
    RedeliveryRequested,
    Repeated,
    Requested,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Settled,
    Suppressed,
    Withheld,
)

PROJECTION = "NotificationLog"
VERSION = 1
"""Of this fold; see `jobs.VERSION`."""


def entry(event: Event[Body], place: Place) -> Document | None:
    """The entry this event makes; None for one that is of no interest to who reads the story."""
    told = _told(event)
    if told is None:
        return None
    name, details = told
    return {
        "_id": event.id,
        "jobId": event.notification,
        "event": name,
        "details": details,
        "createdAt": event.time,
        "position": {"partition": place.partition, "offset": place.offset},
    }


def _told(event: Event[Body]) -> tuple[str, dict[str, Any]] | None:  # noqa: C901, PLR0912 - one case an event, and closed
    body = event.body
    match body:
        case Accepted(request, priority):
            return "created", {"priority": priority, "maxAttempts": request.max_attempts}
        case Queued(dispatch, lane, None):
            return ("queued", {"dispatch": dispatch, "lane": lane}) if dispatch == 1 else None
        case Sending(dispatch, deadline, worker):
            return "sending", {"dispatch": dispatch, "worker": worker, "deadline": deadline}
        case Sent(dispatch):
            return "sent", {"dispatch": dispatch}
        case Suppressed():
            return "suppressed", {"reason": body.reason, "duplicateOf": body.duplicate_of}
        case Withheld(_, reason, preferences):
            return "withheld", {"reason": reason, "preferences": preferences}
        case Held(_, _, until, preferences):
            return "held", {"notBefore": until, "preferences": preferences}
        case Queued(dispatch, lane, redelivery):
            return "redelivered", {"dispatch": dispatch, "lane": lane, "redelivery": redelivery}
        case RedeliveryRequested(redelivery, by, why):
            return "redelivery_requested", {"redelivery": redelivery, "by": by, "why": why}
        case RedeliveryRefused(redelivery, reason, status):
            return "redelivery_refused", {"redelivery": redelivery, "reason": reason, "status": status}
        case SendDeferred(dispatch, until):
            return "deferred", {"dispatch": dispatch, "notBefore": until}
        case RetryScheduled():
            return "retry_scheduled", _retry(body, (body.not_before - event.time) // MILLISECOND)
        case Failed(dispatch, attempts, error):
            return "failed", {"dispatch": dispatch, "attempts": attempts, "error": error}
        case SendLost(dispatch):
            return "lost", {"dispatch": dispatch}
        case Acknowledged():
            return "acknowledged", {}
        case Settled(dispatch):
            return "settled", {"dispatch": dispatch}
        case Requested() | PolicySet() | CoolOffLifted() | PreferencesSet() | Repeated() | Noted():
            return None
        case SendFailed() | CameDue() | Attempt():
            return None
        case _:
            assert_never(body)


def _retry(body: RetryScheduled, delay: int) -> dict[str, Any]:
    return {
        "dispatch": body.dispatch,
        "attempts": body.attempts,
        "error": body.error,
        "delayMs": delay,
        "notBefore": body.not_before,
    }
