"""Looking names up: what is asked, how long it is remembered, and that nobody waits for a directory that is away."""

import asyncio
from collections import Counter
from collections.abc import Collection

import pytest

from streams.intake import directory
from streams.intake.directory import KEPT, LONGEST_NAME, PAUSE, LookUp
from streams.intake.names import NOBODY, Mentions, Names


class Known:
    """A directory in memory that notes what it is asked; `trouble` is raised instead of an answer."""

    def __init__(self, **texts: str) -> None:
        self.texts, self.asked = texts, list[tuple[str, ...]]()
        self.trouble: Exception | None = None
        self.deaf = False

    async def names(self, users: Collection[str]) -> dict[str, str]:
        self.asked.append(("users", *sorted(users)))
        if self.trouble:
            raise self.trouble
        if self.deaf:
            await asyncio.Event().wait()
        return {user: self.texts[user] for user in users if user in self.texts}

    async def titles(self, posts: Collection[str]) -> dict[str, str]:
        self.asked.append(("posts", *sorted(posts)))
        return {post: self.texts[post] for post in posts if post in self.texts}


class Time:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def wanted(users: str = "", posts: str = "") -> Mentions:
    return Mentions(frozenset(users.split()), frozenset(posts.split()))


@pytest.fixture
def known() -> Known:
    return Known(u1="Ada", u2="Grace", p1="Tides")


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture
def errors() -> Counter[str]:
    return Counter()


@pytest.fixture
def look_up(known: Known, errors: Counter[str], now: Time) -> LookUp:
    return LookUp(known, errors, now)


async def test_users_and_posts_are_one_question_each(look_up: LookUp, known: Known) -> None:
    names = await look_up.names(wanted("u1 u2 u3", "p1 p2"))
    assert names == Names({"u1": "Ada", "u2": "Grace"}, {"p1": "Tides"})
    assert known.asked == [("users", "u1", "u2", "u3"), ("posts", "p1", "p2")]


async def test_nothing_is_asked_about_nobody(look_up: LookUp, known: Known) -> None:
    assert await look_up.names(wanted()) == NOBODY
    await look_up.names(wanted("u1"))
    assert known.asked == [("users", "u1")]


async def test_what_was_found_is_remembered_what_was_not_is_asked_for_again(look_up: LookUp, known: Known) -> None:
    await look_up.names(wanted("u1 u3", "p1"))
    known.texts["u3"] = "Joan"
    assert await look_up.names(wanted("u1 u3", "p1")) == Names({"u1": "Ada", "u3": "Joan"}, {"p1": "Tides"})
    assert known.asked[2:] == [("users", "u3")]


async def test_a_user_and_a_post_may_have_the_same_id(look_up: LookUp, known: Known) -> None:
    assert await look_up.names(wanted("u1", "u1")) == Names({"u1": "Ada"}, {"u1": "Ada"})
    assert await look_up.names(wanted("u1", "p1")) == Names({"u1": "Ada"}, {"p1": "Tides"})
    assert known.asked[2:] == [("posts", "p1")]


@pytest.mark.parametrize(("after", "name"), [(KEPT - 0.1, "Ada"), (KEPT, "Ada L.")])
async def test_a_name_is_out_of_date_for_a_minute_at_most(
    look_up: LookUp, known: Known, now: Time, after: float, name: str
) -> None:
    await look_up.names(wanted("u1"))
    known.texts["u1"] = "Ada L."
    now.seconds = after
    assert (await look_up.names(wanted("u1"))).users == {"u1": name}


async def test_only_so_many_are_remembered_the_oldest_go(
    look_up: LookUp, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "REMEMBERED", 2)
    known.texts |= {"u3": "Joan"}
    for user in ("u1", "u2", "u3"):
        await look_up.names(wanted(user))
    await look_up.names(wanted("u2 u3"))
    assert len(known.asked) == 3
    assert (await look_up.names(wanted("u1 u2 u3"))).users == {"u1": "Ada", "u2": "Grace", "u3": "Joan"}
    assert known.asked[3:] == [("users", "u1")]


async def test_a_batch_larger_than_what_is_remembered_gets_all_its_names(
    look_up: LookUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "REMEMBERED", 1)
    assert (await look_up.names(wanted("u1 u2"))).users == {"u1": "Ada", "u2": "Grace"}


async def test_a_name_has_so_many_characters(look_up: LookUp, known: Known) -> None:
    known.texts |= {"u1": "ä" * LONGEST_NAME, "p1": "x" * 1_000_000}
    assert await look_up.names(wanted("u1", "p1")) == Names({"u1": "ä" * LONGEST_NAME}, {"p1": "x" * LONGEST_NAME})


async def test_a_directory_that_fails_is_left_alone_for_a_while_and_counted(
    look_up: LookUp, known: Known, errors: Counter[str], now: Time
) -> None:
    await look_up.names(wanted("u1"))
    known.trouble = OSError("away")
    assert await look_up.names(wanted("u1 u2", "p1")) == Names({"u1": "Ada"}, {})
    assert errors == {"directory": 1}
    now.seconds = PAUSE - 0.1
    known.trouble, asked = None, len(known.asked)
    assert await look_up.names(wanted("u1 u2")) == Names({"u1": "Ada"}, {})
    assert len(known.asked) == asked
    now.seconds = PAUSE
    assert (await look_up.names(wanted("u1 u2"))).users == {"u1": "Ada", "u2": "Grace"}
    assert errors == {"directory": 1}


async def test_a_directory_that_says_nothing_is_waited_for_once(
    look_up: LookUp, known: Known, errors: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "PATIENCE", 0.1)
    known.deaf = True
    for _ in range(3):
        assert await asyncio.wait_for(look_up.names(wanted("u1")), 60) == NOBODY
    assert (errors["directory"], len(known.asked)) == (1, 1)
