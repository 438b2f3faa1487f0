"""One socket's part of a mailbox: what its client has been told, and so what it is to be told next. Pure.

News that comes while a mailbox is being opened is held back and told after what was waiting. A position is told once;
under a new epoch (Redis has lost the mailbox) positions begin anew. Frames that carry an epoch and a position are
places to resume from: whoever has got one, and all before it on this connection, has missed nothing up to there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from gateway.socket import frames
from streams.mailbox import News, Opening

Place = tuple[str, int]
"""An epoch and a position."""
NOWHERE: Place = ("", 0)
"""Not to be resumed from."""


class Stored(NamedTuple):
    """An unacknowledged item out of the read model.

    `late`: it may be newer than what the mailbox holds, unless one comes after it that is not late.

    Trap: a batch is not written at once, so an older one may be read as it was before it. And one that becomes `sent`
    while the read model is asked may be in its answer twice.
    """

    notification: str
    payload: bytes
    late: bool = False


@dataclass(slots=True)
class Session:
    """`user` is None before AUTH; `position` is the last one told under `epoch`."""

    user: str | None = None
    epoch: str = ""
    position: int = 0
    _held: list[News] | None = None
    _stored: frozenset[str] = frozenset()

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

    def outdated(self, found: Opening) -> bool:
        """Whether news came of another epoch than was found: this one may be over by now."""
        return any(news.epoch != found.epoch for news in self._held or ())

    def open(self, found: Opening, stored: Sequence[Stored], *, first: bool) -> Iterator[bytes]:
        """Whether anything was missed, if so or if asked; what was waiting, oldest first; what came meanwhile."""
        held, self._held = self._held or [], None
        done = found.acked | {news.notification for news in held if news.item is None}
        if found.epoch != self.epoch or not found.recovered:
            self.epoch, self.position = found.epoch, 0
        known = done | {kept.notification for kept in found.items} | self._stored
        lost = list({one.notification: one for one in stored if one.notification not in known}.values())
        if first or not found.recovered:
            yield self._authenticated(found, resumable=not lost)
        yield from self._waiting(found, lost, done)
        self.position = max(self.position, found.position)
        for news in held:
            if news.epoch == self.epoch or news.item is None:
                yield from self.tell(news)

    def tell(self, news: News) -> Iterator[bytes]:
        """What the client is to hear of this now, if anything."""
        if self._held is not None:
            self._held.append(news)
        elif news.item is None:
            self._stored -= {news.notification}
            yield frames.acknowledged(news.notification)
        elif self._is_new(news):
            yield frames.notification(news.item, news.epoch, news.position)

    def _authenticated(self, found: Opening, *, resumable: bool) -> bytes:
        assert self.user is not None
        epoch, position = self._start(found) if resumable else NOWHERE
        return frames.authenticated(self.user, epoch, position, recovered=found.recovered)

    def _waiting(self, found: Opening, lost: Sequence[Stored], done: frozenset[str]) -> Iterator[bytes]:
        late = list(takewhile(lambda one: one.late, reversed(lost)))[::-1]
        early = lost[: len(lost) - len(late)]
        yield from self._from_store(early, NOWHERE if late else self._start(found))
        for notification, position, item in found.items:
            if position > self.position and notification not in done and notification not in self._stored:
                yield frames.notification(item, *NOWHERE if late else (found.epoch, position))
        yield from self._from_store(late, (found.epoch, found.position))

    def _start(self, found: Opening) -> Place:
        """Before all that the mailbox holds for this client."""
        if found.recovered:
            return found.epoch, self.position
        return found.epoch, found.items[0].position - 1 if found.items else found.position

    def _from_store(self, lost: Sequence[Stored], place: Place) -> Iterator[bytes]:
        """Only who has got the last of them is at that place."""
        self._stored |= {one.notification for one in lost}
        for number, one in enumerate(lost, 1):
            yield frames.notification(one.payload, *place if number == len(lost) else NOWHERE)

    def _is_new(self, news: News) -> bool:
        if news.epoch != self.epoch:
            self.epoch, self.position = news.epoch, 0
        if news.position <= self.position:
            return False
        self.position = news.position
        return news.notification not in self._stored
