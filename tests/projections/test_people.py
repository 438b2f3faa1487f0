"""Users and posts in a real MongoDB, whoever wrote them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from projections.mongo.connection import Database, database
from projections.mongo.errors import Unavailable
from projections.people import POSTS, USERS, People, declare
from streams.settings import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def base(servers: Settings) -> AsyncIterator[Database]:
    own = servers.model_copy(update={"mongo_database": "people"})
    await declare(own)
    async with database(own, patience=10) as base:
        for name in (USERS, POSTS):
            await base[name].delete_many({})
        yield base


async def test_names_and_titles_come_by_id_and_the_unknown_are_left_out(base: Database) -> None:
    people = People(base)
    await people.add([{"_id": "user1", "name": "Ada"}], [{"_id": "post1", "title": "Tides"}])
    assert await people.names(["user1", "post1", "x"]) == {"user1": "Ada"}
    assert await people.titles({"user1", "post1"}) == {"post1": "Tides"}
    assert await people.names([]) == {}


@pytest.mark.parametrize("name", [None, "", 5, ["Ada"], {"first": "Ada"}, ...])
async def test_what_is_no_text_is_no_name(base: Database, name: object) -> None:
    await base[USERS].insert_one({"_id": "user1"} if name is ... else {"_id": "user1", "name": name})
    assert await People(base).names(["user1"]) == {}


async def test_hundreds_are_found_at_once(base: Database) -> None:
    ids = [f"user{number}" for number in range(600)]
    await base[USERS].insert_many([{"_id": id_, "name": id_.upper()} for id_ in ids])
    assert await People(base).names(ids) == {id_: id_.upper() for id_ in ids}


async def test_what_is_there_already_stays_as_it_is(base: Database) -> None:
    people, user, post = People(base), {"_id": "user1", "name": "Ada"}, {"_id": "post1", "title": "Tides"}
    assert await people.add([user], [post]) == ["user1", "post1"]
    assert await people.add([user | {"name": "Eve"}, {"_id": "user2", "name": "Grace"}], [post]) == ["user2"]
    assert await people.names(["user1", "user2"]) == {"user1": "Ada", "user2": "Grace"}


async def test_posts_come_newest_first_and_those_without_a_time_last(base: Database) -> None:
    posts = [{"_id": f"post{day}", "title": "x", "createdAt": START + timedelta(days=day)} for day in (2, 0, 1)]
    await base[POSTS].insert_many([{"_id": "undated", "title": "x"}, *posts])
    people = People(base)
    assert [post["_id"] for post in await people.newest_posts(10)] == ["post2", "post1", "post0", "undated"]
    assert [post["_id"] for post in await people.newest_posts(2)] == ["post2", "post1"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_database_that_is_away_is_unavailable(servers: Settings) -> None:
    async with database(servers.model_copy(update={"mongo_url": "mongodb://127.0.0.1:1/"}), patience=0.2) as base:
        for asked in (People(base).names(["a"]), People(base).newest_posts(1), People(base).add([{"_id": "a"}], [])):
            with pytest.raises(Unavailable):
                await asked
