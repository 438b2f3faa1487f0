"""Read model NotificationJob: an event of the log in, the document of its notification out. Pure.

A document has a part that never changes (`document`) and one that moves (`Standing`, `changes`). The rules of moving
are `streams.rules.notification`'s. What only the fold needs is grouped under `fold`.

The counters by status are kept beside the position of a partition, and stay exact although a crash may leave documents
that are ahead of the position: each document keeps, as `fold.counted`, the status as which the counters of the last
stored position know it. A document at or before the position counts by its own status, one ahead of it as `counted`,
and its difference is added when the position passes it. That needs one writer: `fold.epoch` says who wrote it last (see
`position.Position`), and one of a later epoch is left alone. Two folds of one log agree in all but `fold.counted` and
`fold.epoch`, which depend on where batches ended and how often somebody else went on.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from projections.mongo.windows import since
from projections.position import Document, Place
from streams.clock import milliseconds
from streams.events import (
    Accepted,
    Acknowledged,
    Body,
    Channel,
    Event,
    Held,
    Request,
    Suppressed,
    SuppressionReason,
    WithholdingReason,
)
from streams.rules import notification
from streams.rules.notification import Job
from streams.rules.phase import PHASES, STATUS, Phase, Status

PROJECTION = "NotificationJob"
VERSION = 3
"""Of this fold; a change that makes other documents of the same events needs a new one, and a rebuild."""
SELECTIVE = ("recipient", "status", "type")
"""What lists can be filtered by; each has an index with `seq`. The ones that leave least to read come first."""
MOVING = (
    "status",
    "attempts",
    "lastError",
    "updatedAt",
    "reason",
    "heldUntil",
    "acknowledgedAt",
    "mailbox",
    "fold",
)
"""The fields that `changes` writes."""
READ = ("type", *MOVING)
"""The fields that `restored` reads."""


class Standing(Struct, frozen=True):
    """How far a notification is: `position` is the offset of the last event that moved it.

    `job` is None if admit suppressed it, and `suppressed` says why then. `held_until` is of the last hold.
    """

    notification: str
    partition: int
    position: int
    updated: datetime
    job: Job | None
    acknowledged: datetime | None = None
    counted: Status | None = None
    epoch: int | None = None
    channel: Channel = "email"
    suppressed: SuppressionReason | None = None
    held_until: datetime | None = None

    @property
    def reason(self) -> SuppressionReason | WithholdingReason | None:
        """Why it was suppressed, by admit or as the recipient wants it."""
        return self.suppressed if self.job is None else self.job.withheld

    @property
    def mailbox(self) -> Literal["pending", "delivered"] | None:
        """Where an in-app notification stands with its user, in the social reference's words."""
        if self.channel != "in-app" or self.status != "sent":
            return None
        return "pending" if self.acknowledged is None else "delivered"

    @property
    def status(self) -> Status:
        """The reference's word for it."""
        return "suppressed" if self.job is None else STATUS[self.job.phase]

    def counted_at(self, offset: int) -> Status | None:
        """The status as which counters that were stored with this position know it; None if not at all."""
        return self.status if self.position <= offset else self.counted


Evolve = Callable[[Standing | None, Event[Body], Place], Standing | None]
"""`evolve`, or what gives the same."""


def evolve(standing: Standing | None, event: Event[Body], place: Place) -> Standing | None:
    """The standing after this event; the same object if it changes nothing, None if there is no such notification."""
    if standing is None:
        return _first(event, place)
    if standing.job is None or place.offset <= standing.position:
        return standing
    job: Job | None = standing.job
    acknowledged = standing.acknowledged
    if isinstance(event.body, Acknowledged):
        acknowledged = acknowledged or event.time
    elif type(event.body) in PHASES:
        job = notification.evolve(job, event)
    if job is standing.job and acknowledged is standing.acknowledged:
        return standing
    return replace(
        standing,
        position=place.offset,
        updated=max(standing.updated, event.time),
        job=job,
        acknowledged=acknowledged,
        held_until=event.body.until if isinstance(event.body, Held) else standing.held_until,
    )


class Shared:
    """`evolve` for two folds of the same events, a batch each in turn: the second gets what came out at the first."""

    def __init__(self) -> None:
        self._known: dict[Place, tuple[Standing | None, Standing | None]] = {}

    def __call__(self, standing: Standing | None, event: Event[Body], place: Place) -> Standing | None:
        """The standing after this event; `place` tells one event from another."""
        known = self._known.get(place)
        if known is not None and (known[0] is standing or known[0] == standing):
            return known[1]
        now = evolve(standing, event, place)
        self._known[place] = standing, now
        return now

    def forget(self) -> None:
        """Both had this batch."""
        self._known.clear()


def _first(event: Event[Body], place: Place) -> Standing | None:
    match event.body:
        case Accepted(request):
            job = notification.evolve(None, event)
            assert job is not None
            job = replace(job, request=None)
            return Standing(event.notification, *place, event.time, job, channel=request.channel)
        case Suppressed(request, _, _, reason):
            standing = Standing(event.notification, *place, event.time, None, channel=request.channel)
            return replace(standing, suppressed=reason)
        case _:
            return None


def document(event: Event[Body], body: Accepted | Suppressed, place: Place, standing: Standing) -> Document:
    """A whole new document: what its first event says of the notification, and where it stands by now."""
    return {**lasting(event, body, place), **changes(standing)}


def lasting(event: Event[Body], body: Accepted | Suppressed, place: Place) -> Document:
    """The part that never changes."""
    return {
        "_id": event.notification,
        **_asked(body.request),
        "priority": body.priority,
        **({"duplicateOf": body.duplicate_of} if isinstance(body, Suppressed) and body.duplicate_of else {}),
        "createdAt": event.time,
        "seq": sequence(event.time, place),
    }


def changes(standing: Standing) -> Document:
    """The fields that move, as they are now."""
    job = standing.job
    return {
        "status": standing.status,
        "attempts": job.attempts if job else 0,
        "lastError": job.error if job else None,
        "updatedAt": standing.updated,
        **({"reason": standing.reason} if standing.reason else {}),
        **({"heldUntil": standing.held_until} if standing.held_until else {}),
        **({"acknowledgedAt": standing.acknowledged} if standing.acknowledged else {}),
        **({"mailbox": standing.mailbox} if standing.mailbox or _left_mailbox(standing) else {}),
        "fold": {
            "partition": standing.partition,
            "position": standing.position,
            "dispatch": job.dispatch if job else 0,
            "phase": int(job.phase) if job else None,
            **({"holds": job.holds} if job and job.holds else {}),
            **({"first": job.first} if job and job.first else {}),
            **({"last": job.last} if job and job.last else {}),
            "counted": standing.counted,
            "epoch": standing.epoch,
        },
    }


def _left_mailbox(standing: Standing) -> bool:
    """A redelivered one is not in the mailbox any more until it is sent: a field that was written is written again."""
    return standing.channel == "in-app" and standing.job is not None and standing.job.first > 0


def restored(stored: Document) -> Standing:
    """The standing that a stored document's `READ` fields tell, as far as a fold needs it."""
    fold, updated = stored["fold"], stored["updatedAt"]
    job = None
    if fold["phase"] is not None:
        job = Job(
            notification=stored["_id"],
            correlation="",
            priority="promotional",
            max_attempts=0,
            request=None,
            cause="",
            changed=updated,
            accepted=updated,
            dispatch=fold["dispatch"],
            phase=Phase(fold["phase"]),
            attempts=stored["attempts"],
            error=stored["lastError"],
            holds=fold.get("holds", 0),
            withheld=stored.get("reason"),
            first=fold.get("first", 0),
            last=fold.get("last", 0),
        )
    return Standing(
        stored["_id"],
        fold["partition"],
        fold["position"],
        updated,
        job,
        stored.get("acknowledgedAt"),
        fold["counted"],
        fold.get("epoch"),
        stored["type"],
        stored.get("reason") if job is None else None,
        stored.get("heldUntil"),
    )


def sequence(created: datetime, place: Place) -> str:
    """What lists are ordered and paged by: text of one width that sorts by creation time, then by place on the log."""
    return f"{since(milliseconds(created))}{place.partition:03x}{place.offset:011x}"


def _asked(request: Request) -> Document:
    personal = request.personal
    social = {"eventType": request.activity, "actorId": personal.actor, "postId": personal.post}
    return {
        "type": request.channel,
        "recipient": personal.recipient,
        "message": personal.message,
        "metadata": personal.metadata,
        "maxAttempts": request.max_attempts,
        **({name: value for name, value in social.items() if value is not None} if request.activity else {}),
    }
