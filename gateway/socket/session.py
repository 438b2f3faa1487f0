"""One socket's part of a mailbox: what its client has been told, and so what it is to be told next. Pure.

News that comes while a mailbox is being opened is held back and told after what was waiting. A position is told once;
under a new epoch (Redis has lost the mailbox) positions begin anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.socket import frames
from streams.mailbox import News, Opening


class Stored(NamedTuple):
    """An unacknowledged item out of the read model."""

    notification: str
    payload: bytes


@dataclass(slots=True)
class Session:
    """`user` is None before AUTH; `position` is the last one told under `epoch`."""

    user: str | None = None
    epoch: str = ""
    position: int = 0
    _held: list[News] | None = None
    _stored: set[str] = field(default_factory=set)

    @property
    def opening(self) -> bool:
        """News is held back."""
        return self._held is not None

    def begin(self, user: str, epoch: str, position: int) -> None:
        """AUTH was taken: from now on hold news back, until `open`."""
        self.user, self.epoch, self.position = user, epoch, position
        self._held = []

    def reopen(self) -> None:
        """News may have been missed: hold back what comes, until `open`."""
        if self._held is None:
            self._held = []

    def open(self, found: Opening, stored: Iterable[Stored]) -> Iterator[bytes]:
        """What was waiting, oldest first, each once; then what came meanwhile."""
        held, self._held = self._held or [], None
        done = found.acked | {news.notification for news in held if news.item is None}
        if found.epoch != self.epoch or not found.recovered:
            self.epoch, self.position = found.epoch, 0
        yield from self._from_store(stored, done | {kept.notification for kept in found.items})
        for notification, position, item in found.items:
            if position > self.position and notification not in done and notification not in self._stored:
                yield frames.notification(item, found.epoch, position)
        self.position = max(self.position, found.position)
        for news in held:
            yield from self.tell(news)

    def tell(self, news: News) -> Iterator[bytes]:
        """What the client is to hear of this now, if anything."""
        if self._held is not None:
            self._held.append(news)
        elif news.item is None:
            self._stored.discard(news.notification)
            yield frames.acknowledged(news.notification)
        elif self._is_new(news):
            yield frames.notification(news.item, news.epoch, news.position)

    def _from_store(self, stored: Iterable[Stored], told_otherwise: frozenset[str]) -> Iterator[bytes]:
        for notification, payload in stored:
            if notification not in told_otherwise and notification not in self._stored:
                self._stored.add(notification)
                yield frames.notification(payload)

    def _is_new(self, news: News) -> bool:
        if news.epoch != self.epoch:
            self.epoch, self.position = news.epoch, 0
        if news.position <= self.position:
            return False
        self.position = news.position
        return news.notification not in self._stored
