"""An ACK in, `acknowledged` on the log, then out of the mailbox: in this order, so a crash in between loses nothing."""

from collections.abc import Awaitable, Callable

from gateway.socket.mailboxes import Mailboxes, Unavailable
from streams import clock
from streams.events import Acknowledged, Event
from streams.intake.requests import recipient_key
from streams.kafka.publisher import Late, Publisher
from streams.record import Record
from streams.topics import EVENTS

SOURCE = "gateway"
PATIENCE = 5.0
"""Seconds until Kafka counts as away."""

Owns = Callable[[str, str], Awaitable[bool]]
"""Whether a user has a notification in the read model."""


class Unknown(LookupError):
    """The user has no such notification."""


class Acknowledging:
    """Acknowledges; all acks under way share the rounds to Kafka and to Redis."""

    def __init__(self, publisher: Publisher, mailboxes: Mailboxes, owns: Owns, secret: str) -> None:
        self._publisher, self._mailboxes, self._owns, self._secret = publisher, mailboxes, owns, secret

    async def acknowledge(self, user: str, notification: str) -> None:
        """Returns when the log and the mailbox have it. Raises `Unknown`, or `Unavailable`: then say it again."""
        known = await self._mailboxes.knows(user, notification)
        if known is None and not await self._owns(user, notification):
            raise Unknown(notification)
        if known != "acknowledged":
            await self._log(user, notification)
        await self._mailboxes.acknowledge(user, notification)

    async def _log(self, user: str, notification: str) -> None:
        event = Event(Acknowledged(), notification, clock.now(), SOURCE, notification)
        record = Record.of(event, EVENTS, recipient_key(user, self._secret).encode())
        try:
            await self._publisher.publish([record], within=PATIENCE)
        except Late as late:
            raise Unavailable(str(late)) from late
