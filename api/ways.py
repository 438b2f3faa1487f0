"""The ways in: what is asked for by each, where it goes, and in which words it is answered. Pure.

`POST /like` answers as the social reference does, down to its 500: its clients know no other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from streams import clock
from streams.intake.bodies import DeliveryBody, Invalid, NotAnObject, SocialBody, check_delivery, check_social
from streams.topics import JOBS_QUEUE, SOCIAL_QUEUE

Body = DeliveryBody | SocialBody


@dataclass(frozen=True, slots=True)
class Way:
    """What makes one kind of request differ from the others."""

    queue: str
    check: Callable[[bytes], Body]
    """Raises `NotAnObject` or `Invalid`."""
    status: int
    answer: Callable[[str, datetime, int], object]
    """The good answer, as JSON, to the notification of this id, time and number of attempts."""
    scope: str = ""
    """Set before an `Idempotency-Key`: the same one used on another way is another request."""
    unavailable: tuple[int, str] | None = None
    """Status and message of the answer when RabbitMQ did not confirm, if that is no 503 which explains itself."""


def pending(notification: str, at: datetime, max_attempts: int) -> object:
    """As the notification reference answers."""
    return {
        "id": notification,
        "status": "pending",
        "attempts": 0,
        "maxAttempts": max_attempts,
        "createdAt": clock.iso(at),
    }


def check_like(raw: bytes) -> SocialBody:
    """A social event whose type is LIKE. Raises `Invalid`, in the social reference's words."""
    try:
        body = check_social(raw)
    except (NotAnObject, Invalid) as error:
        raise Invalid("Invalid payload") from error
    if body.type != "LIKE":
        raise Invalid("Invalid payload")
    return body


DELIVERY = Way(JOBS_QUEUE, check_delivery, 201, pending)
EVENT = Way(
    SOCIAL_QUEUE, check_social, 202, lambda notification, *_: {"id": notification, "status": "pending"}, "event\n"
)
LIKE = Way(
    SOCIAL_QUEUE,
    check_like,
    200,
    lambda *_: {"message": "Event queued successfully"},
    "like\n",
    (500, "Failed to queue event"),
)
