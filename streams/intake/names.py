"""Who is called what: the ids that social messages mention in, and names and titles for them as data. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

LONGEST_ID = 256
"""Characters. A longer id is nobody's, and a batch of them would make a question too large to ask."""


class Names(NamedTuple):
    """What is known: users' names and posts' titles by id."""

    users: Mapping[str, str] = {}
    posts: Mapping[str, str] = {}


NOBODY = Names()


class Mentions(NamedTuple):
    """Whose names and which titles some messages need."""

    users: frozenset[str] = frozenset()
    posts: frozenset[str] = frozenset()


class _Ids(msgspec.Struct, rename="camel"):
    actor_id: str
    post_id: str | None = None


_IDS = msgspec.json.Decoder(_Ids)


def mentions(bodies: Iterable[bytes]) -> Mentions:
    """Whom and what the bodies of social messages mention; those that are none mention nobody."""
    users, posts = set(), set()
    for body in bodies:
        try:
            ids = _IDS.decode(body)
        except (ValueError, RecursionError):
            continue
        users.add(ids.actor_id)
        if ids.post_id is not None:
            posts.add(ids.post_id)
    return Mentions(_askable(users), _askable(posts))


def _askable(ids: Iterable[str]) -> frozenset[str]:
    return frozenset(id_ for id_ in ids if 0 < len(id_) <= LONGEST_ID)
