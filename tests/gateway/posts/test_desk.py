"""GET /posts over real HTTP and MongoDB."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from pymongo import MongoClient
from pymongo.database import Database

from streams.settings import Settings
from tests.gateway.conftest import Serve

NEWER, OLDER = datetime(2026, 1, 2, 0, 0, 0, 7000, UTC), datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def site(settings: Settings, serve: Serve) -> str:
    return serve(settings)


def base(client: MongoClient[dict[str, Any]], settings: Settings) -> Database[dict[str, Any]]:
    return client[settings.mongo_database]


def test_without_posts_there_is_an_empty_list(site: str) -> None:
    answer = requests.get(f"{site}/posts", timeout=30)
    assert (answer.status_code, answer.json()) == (200, [])


def test_posts_come_newest_first_with_their_authors_names(site: str, settings: Settings) -> None:
    with MongoClient[dict[str, Any]](settings.mongo_url) as client:
        known = base(client, settings)
        known["users"].insert_one({"_id": "user1", "name": "Ada"})
        known["posts"].insert_many(
            [
                {"_id": "old", "authorId": "user1", "title": "Tides", "createdAt": OLDER},
                {"_id": "new", "authorId": "nobody", "title": "Waves", "content": "high", "createdAt": NEWER},
                {"_id": "odd", "authorId": 5},
            ]
        )
    answer = requests.get(f"{site}/posts", timeout=30)
    new, old, odd = answer.json()
    assert new == {
        "id": "new",
        "_id": "new",
        "authorId": "nobody",
        "authorName": "nobody",
        "title": "Waves",
        "content": "high",
        "createdAt": "2026-01-02T00:00:00.007Z",
    }
    assert (old["_id"], old["authorName"], old["title"]) == ("old", "Ada", "Tides")
    assert (odd["_id"], odd["authorId"]) == ("odd", 5)
    assert answer.headers["Content-Type"] == "application/json"


def test_there_are_a_hundred_at_most(site: str, settings: Settings) -> None:
    with MongoClient[dict[str, Any]](settings.mongo_url) as client:
        made = [{"_id": str(number), "title": "x", "createdAt": NEWER} for number in range(101)]
        base(client, settings)["posts"].insert_many(made)
    assert len(requests.get(f"{site}/posts", timeout=30).json()) == 100


def test_without_the_database_it_is_a_503(settings: Settings, serve: Serve) -> None:
    site = serve(settings.model_copy(update={"mongo_url": "mongodb://127.0.0.1:1/"}))
    answer = requests.get(f"{site}/posts", timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_the_openapi_page_shows_it(site: str) -> None:
    operation = requests.get(f"{site}/openapi.json", timeout=30).json()["paths"]["/posts"]["get"]
    assert operation["responses"].keys() == {"200", "400", "503"}
