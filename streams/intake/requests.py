"""A message from one of the two queues in, the `requested` event it stands for out, or the reason why not. Pure.

The event's id comes from the message, never from the moment, so a redelivery makes the same notification again. Its
time is what the rules' windows are measured by: the API's own to the millisecond, another producer's if plausible, else
the moment of receipt.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from streams.clock import from_milliseconds, to_millisecond
from streams.events import Event, Personal, Request, Requested
from streams.intake.bodies import DeliveryBody, Invalid, NotAnObject, SocialBody, check_delivery, check_social
from streams.intake.names import NOBODY, Names
from streams.intake.texts import text
from streams.letters.dead_letters import Properties
from streams.settings import Settings, seconds
from streams.topics import SOCIAL_QUEUE

SOURCE = "bridge"
API = "tidings-api"
"""The AMQP app id of messages from our own API, whose id and time are taken as they are."""
TIME_HEADER = "tidings-time"
"""The AMQP header with the request's time in milliseconds since 1970; the AMQP timestamp has whole seconds only."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far another producer's clock may be from the bridge's for its time to count."""
USABLE_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]{1,128}", re.ASCII)
"""Ids that can stand in a URL as they are: RFC 3986's unreserved characters, but no `.` or `..`."""

Reason = Literal["undecodable", "invalid", "oversized", "too-old"]


class RequestRefused(ValueError):
    """The message is no request: `reason` names the kind, the text explains it. For the dead letters."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """An AMQP message as far as it matters here.

    `time` is the value of `TIME_HEADER`, `unreadable` says what is wrong with the properties; None if absent.
    """

    queue: str
    body: bytes
    message_id: str | None = None
    app_id: str | None = None
    correlation_id: str | None = None
    timestamp: datetime | None = None
    time: object = None
    redelivered: bool = False
    unreadable: str | None = None


def requested(message: Message, received: datetime, settings: Settings, names: Names = NOBODY) -> Event[Requested]:
    """The event for a message received at this time; a user without a known name goes by the id.

    Raises `RequestRefused`.
    """
    body = _checked(message, settings.max_request_bytes)
    trusted = _trusted_time(message)
    stated = trusted or (body.time if isinstance(body, SocialBody) else None) or message.timestamp
    if message.redelivered and stated is not None and received - stated > seconds(settings.id_horizon):
        raise RequestRefused(
            "too-old",
            f"taken before, and from {stated}: too old to tell whether it was recorded then; redrive it if it was not",
        )
    notification = _id(message, body)
    return Event(
        Requested(_request(body, settings, names)),
        notification,
        trusted or _plausible(stated, received),
        SOURCE,
        message.correlation_id or notification,
    )


def properties(message: Message) -> Properties | None:
    """What a dead letter keeps of a message beside its body, so that it can be put back as what it was."""
    if message.unreadable is not None:
        return None
    time = message.time if isinstance(message.time, int) else None
    return Properties(message.message_id, message.app_id, message.correlation_id, message.timestamp, time)


def record_key(event: Event[Requested]) -> bytes:
    """The key on `notification-requests`: the actor, whose limits admit keeps, else the notification itself."""
    return (event.body.request.personal.actor or event.notification).encode()


def recipient_key(recipient: str, secret: str) -> str:
    """The record key of a recipient from admit on: 32 hexadecimal digits that say nothing without the secret."""
    return hmac.digest(secret.encode(), recipient.encode(), "sha256").hex()[:32]


def _checked(message: Message, limit: int) -> DeliveryBody | SocialBody:
    if message.unreadable is not None:
        raise RequestRefused("undecodable", message.unreadable)
    if len(message.body) > limit:
        raise RequestRefused("oversized", f"{len(message.body)} bytes, more than the {limit} a request may have")
    try:
        return check_social(message.body) if message.queue == SOCIAL_QUEUE else check_delivery(message.body)
    except NotAnObject as error:
        raise RequestRefused("undecodable", str(error)) from error
    except Invalid as error:
        raise RequestRefused("invalid", str(error)) from error


def _request(body: DeliveryBody | SocialBody, settings: Settings, names: Names) -> Request:
    secret, attempts = settings.recipient_secret.get_secret_value(), settings.max_attempts
    match body:
        case DeliveryBody():
            personal = Personal(body.recipient, body.message, body.metadata)
            return Request(body.type, recipient_key(body.recipient, secret), attempts, personal, None, body.priority)
        case SocialBody():
            title = names.posts.get(body.post) if body.post else None
            said = text(body.type, names.users.get(body.actor, body.actor), title)
            personal = Personal(body.target, said, None, body.actor, body.post)
            return Request("in-app", recipient_key(body.target, secret), attempts, personal, body.type)


def _id(message: Message, body: DeliveryBody | SocialBody) -> str:
    """The notification's id: the API's, else the body's, the message's, or the content's own."""
    given = message.message_id if message.app_id == API else body.id or message.message_id
    if not given:
        return str(UUID(bytes=sha256(message.body).digest()[:16], version=5))
    return given if USABLE_ID.fullmatch(given) else str(uuid5(NAMESPACE_URL, given))


def _trusted_time(message: Message) -> datetime | None:
    if message.app_id != API or not isinstance(message.time, int):
        return None
    try:
        return from_milliseconds(message.time)
    except OverflowError:
        return None


def _plausible(stated: datetime | None, received: datetime) -> datetime:
    if stated is None or abs(stated - received) > CLOCK_TOLERANCE:
        return received
    return to_millisecond(stated.astimezone(UTC))
