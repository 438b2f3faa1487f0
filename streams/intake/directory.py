"""Ids of users and posts in, their names and titles out: looked up once, here, and written into the request.

Prettiness, never a must: whoever can't be looked up in time goes by the id. What was found is remembered for a while;
what was not is asked for again with the next batch, since it may just have been made.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from streams.intake.names import NOBODY, Mentions, Names

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds until a directory counts as away."""
PAUSE = 10.0
"""Seconds for which a directory that was away is not asked again."""
KEPT = 60.0
"""Seconds for which a name or title is remembered, and so may be out of date."""
REMEMBERED = 10_000
"""Names and titles; the oldest go first."""
LONGEST_NAME = 200
"""Characters of a name or title that go into a text."""


class Directory(Protocol):
    """Knows users and posts."""

    async def names(self, users: Collection[str]) -> Mapping[str, str]:
        """The names of those who have one."""

    async def titles(self, posts: Collection[str]) -> Mapping[str, str]:
        """The titles of those that have one."""


class LookUp:
    """Asks a directory, remembers its answers, and never keeps anybody waiting for long.

    `errors["directory"]` counts the times it did not answer; `clock` gives seconds.
    """

    def __init__(self, directory: Directory, errors: Counter[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._directory, self._errors, self._clock = directory, errors, clock
        self._users, self._posts = _Remembered(), _Remembered()
        self._shunned_until = 0.0

    async def names(self, wanted: Mentions) -> Names:
        """What is known of them, after one question for users and one for posts at most."""
        now = self._clock()
        known = Names(self._users.known(wanted.users, now), self._posts.known(wanted.posts, now))
        users, posts = wanted.users - known.users.keys(), wanted.posts - known.posts.keys()
        if not (users or posts) or now < self._shunned_until:
            return known
        found = await self._ask(users, posts)
        self._users.remember(found.users, now + KEPT)
        self._posts.remember(found.posts, now + KEPT)
        return Names({**known.users, **found.users}, {**known.posts, **found.posts})

    async def _ask(self, users: Collection[str], posts: Collection[str]) -> Names:
        try:
            async with asyncio.timeout(PATIENCE):
                names, titles = await asyncio.gather(
                    self._directory.names(users) if users else _nothing(),
                    self._directory.titles(posts) if posts else _nothing(),
                )
        except Exception as error:  # noqa: BLE001 - whatever it is, no message may be held up because of a name
            self._errors["directory"] += 1
            self._shunned_until = self._clock() + PAUSE
            log.warning("ids instead of names for %g s, no answer: %s: %s", PAUSE, type(error).__name__, error)
            return NOBODY
        return Names(_shortened(names), _shortened(titles))


class _Remembered:
    """Texts by id, oldest first, each with the time (in the caller's seconds) at which it is forgotten."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[str, float]] = {}

    def known(self, ids: Iterable[str], now: float) -> dict[str, str]:
        return {id_: entry[0] for id_ in ids if (entry := self._texts.get(id_)) is not None and entry[1] > now}

    def remember(self, texts: Mapping[str, str], until: float) -> None:
        for id_, text in texts.items():
            self._texts.pop(id_, None)  # to the end
            self._texts[id_] = (text, until)
        for _ in range(len(self._texts) - REMEMBERED):
            del self._texts[next(iter(self._texts))]


async def _nothing() -> Mapping[str, str]:
    return {}


def _shortened(texts: Mapping[str, str]) -> dict[str, str]:
    return {id_: text[:LONGEST_NAME] for id_, text in texts.items()}
