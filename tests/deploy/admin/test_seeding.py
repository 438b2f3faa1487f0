"""`./tidings seed`, against a real MongoDB."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from deploy.admin import asking, seeding
from deploy.admin.seeding import POSTS, USERS, fill
from deploy.commands.seed import LIKE, example
from deploy.stack.errors import StackError
from deploy.stack.home import CHECKOUT
from streams.settings import Settings


def seed(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "deploy.cli", "seed"],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "TIDINGS_HOME": str(home), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def test_seeding_twice_makes_everything_once_and_says_so(servers: Settings, tmp_path: Path) -> None:
    urls = {"MONGO_URL": servers.mongo_url, "MONGO_DATABASE": "seeded", "PORT": "4711"}
    first, again = seed(tmp_path, **urls), seed(tmp_path, **urls)
    assert [first.returncode, again.returncode] == [0, 0]
    assert "made user1, user2, post1" in first.stdout
    assert "there already" not in first.stdout
    assert "there already: user1, user2, post1" in again.stdout
    assert "made" not in again.stdout
    assert "curl http://localhost:4711/like" in first.stdout
    with MongoClient[dict[str, Any]](servers.mongo_url, tz_aware=True) as client:
        users, posts = (list(client["seeded"][name].find()) for name in ("users", "posts"))
    assert sorted(user["_id"] for user in users) == ["user1", "user2"]
    assert {post["authorId"] for post in posts} == {"user1", "user2"}
    assert len(posts) == len(POSTS)
    assert max(posts, key=lambda post: post["createdAt"])["_id"] == "post1"


async def test_what_somebody_changed_stays_changed(servers: Settings) -> None:
    own = servers.model_copy(update={"mongo_database": "reseeded"})
    assert await fill(own) == [document["_id"] for document in (*USERS, *POSTS)]
    with MongoClient[dict[str, Any]](servers.mongo_url) as client:
        client["reseeded"]["users"].update_one({"_id": "user1"}, {"$set": {"name": "Eve"}})
        client["reseeded"]["posts"].delete_one({"_id": "post3"})
        assert await fill(own) == ["post3"]
        [user] = client["reseeded"]["users"].find({"_id": "user1"})
    assert user["name"] == "Eve"


def test_the_example_is_the_reference_s_call_between_two_who_are_seeded() -> None:
    words = shlex.split(example(Settings(port=4711)).replace("\\\n", ""))
    assert words[:2] == ["curl", "http://localhost:4711/like"]
    assert words[-1] == '{"actorId": "user1", "targetId": "user2", "postId": "post1", "type": "LIKE"}'
    assert {LIKE["actorId"], LIKE["targetId"]} == {user["_id"] for user in USERS}
    assert LIKE["targetId"] in [post["authorId"] for post in POSTS if post["_id"] == LIKE["postId"]]


def test_a_database_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.2)
    with pytest.raises(StackError, match=r"MongoDB: .* is the stack up\?"):
        seeding.seed(Settings(mongo_url="mongodb://127.0.0.1:1/"))
