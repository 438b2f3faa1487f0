import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.names import LONGEST_ID, Mentions, mentions

LIKE = {"type": "LIKE", "actorId": "user1", "targetId": "user2", "postId": "post1"}


def mentioned(*bodies: object) -> tuple[set[str], set[str]]:
    found = mentions(json.dumps(body).encode() for body in bodies)
    return set(found.users), set(found.posts)


def test_actors_and_posts_are_mentioned_each_once_and_targets_are_not() -> None:
    assert mentioned(LIKE, LIKE, LIKE | {"actorId": "user3"}) == ({"user1", "user3"}, {"post1"})


def test_a_follow_mentions_nobody_but_its_actor() -> None:
    assert mentioned({"type": "FOLLOW", "actorId": "a", "targetId": "b"}) == ({"a"}, set())


@pytest.mark.parametrize("body", [[], None, 5, {}, LIKE | {"actorId": 5}, LIKE | {"postId": []}])
def test_what_is_no_social_message_mentions_nobody(body: object) -> None:
    assert mentioned(body) == (set(), set())
    assert mentioned(body, LIKE) == ({"user1"}, {"post1"})


def test_ids_that_are_nobody_s_are_not_asked_for() -> None:
    assert mentioned(LIKE | {"actorId": "a" * LONGEST_ID})[0] == {"a" * LONGEST_ID}
    assert mentioned(LIKE | {"actorId": "a" * (LONGEST_ID + 1), "postId": ""}) == (set(), set())


@given(st.lists(st.binary()))
def test_no_body_is_an_accident(bodies: list[bytes]) -> None:
    assert isinstance(mentions([*bodies, b"[" * 100_000]), Mentions)
