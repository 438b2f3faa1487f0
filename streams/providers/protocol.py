"""What every provider is: it takes a message or says why not. Slots, timeout and breaker are wrapped around it.

`docs/how-to/add-a-provider.md` makes one.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from streams.events import Activity, Channel, Personal
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Message:
    """One dispatch as a provider sees it. `idempotency_key` is the same for every dispatch of a notification.

    `activity` is what a social notification tells of; `time` is when the dispatch was queued. `first` is the dispatch
    its redelivery began with, 0 for none: a redelivery has a key of its own.
    """

    notification: str
    dispatch: int
    channel: Channel
    personal: Personal
    activity: Activity | None
    time: datetime
    first: int = 0

    @property
    def idempotency_key(self) -> str:
        """For providers that can refuse a message they have already taken."""
        return f"{self.notification}:{self.first}" if self.first else self.notification


class SendRefused(Exception):
    """The provider did not take it; costs an attempt. The text ends up as the job's `lastError`."""


class Deferred(Exception):
    """The provider asks to be left alone until then (its own Retry-After); costs no attempt.

    Raises `ValueError` for a time without its zone, which no event can hold.
    """

    def __init__(self, until: datetime) -> None:
        if until.utcoffset() is None:
            raise ValueError(f"expected a time with its zone, got {until.isoformat()}")
        super().__init__(f"deferred until {until.isoformat()}")
        self.until = until


class Provider(Protocol):
    """A way out into the world."""

    async def send(self, message: Message) -> None:
        """Return when the provider has taken the message. Raises `SendRefused` or `Deferred`."""


class ProviderModule(Protocol):
    """What the setting `PROVIDERS` names: a module that makes a provider."""

    def opened(self, settings: Settings) -> AbstractAsyncContextManager[Provider]:
        """The provider, with its connections; they are closed once the last call has its outcome."""
