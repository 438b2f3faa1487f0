"""Users and posts in MongoDB: whose names and titles notifications show. No fold of the log: any application may write.

`users` have `_id` and `name`; `posts` have `_id`, `authorId`, `title` and `createdAt`, and whatever else a list is to
show. All of it raises `mongo.errors.Unavailable`.
"""

from collections.abc import Collection, Iterable, Mapping

from projections.mongo.connection import Database, answered, by_id, database
from projections.position import Document
from streams.settings import Settings

USERS, POSTS = "users", "posts"
PATIENCE = 10.0
"""Seconds."""


async def declare(settings: Settings) -> None:
    """Make the indexes that are missing, and the collections with them: see `schema.declare`."""
    async with database(settings, patience=PATIENCE) as base:
        with answered():
            await base[USERS].create_index("name")
            await base[POSTS].create_index("createdAt")


class People:
    """Reads and adds users and posts; a `Directory` for those who write texts."""

    def __init__(self, base: Database) -> None:
        self._base = base

    async def names(self, users: Collection[str]) -> dict[str, str]:
        """The names of those users who have one."""
        return await self._texts(USERS, "name", users)

    async def titles(self, posts: Collection[str]) -> dict[str, str]:
        """The titles of those posts that have one."""
        return await self._texts(POSTS, "title", posts)

    async def newest_posts(self, limit: int) -> list[Document]:
        """Posts, newest first."""
        with answered():
            return await self._base[POSTS].find().sort({"createdAt": -1, "_id": 1}).limit(limit).to_list()

    async def add(self, users: Iterable[Document], posts: Iterable[Document]) -> list[str]:
        """Store those that are not there yet, and return their ids; the others stay as they are."""
        made = [user["_id"] for user in users if await self._added(USERS, user)]
        return made + [post["_id"] for post in posts if await self._added(POSTS, post)]

    async def _texts(self, collection: str, field: str, ids: Collection[str]) -> dict[str, str]:
        found = await by_id(self._base[collection], ids, [field])
        return {name: text for name, document in found.items() if (text := _text(document, field))}

    async def _added(self, collection: str, document: Mapping[str, object]) -> bool:
        fields = {name: value for name, value in document.items() if name != "_id"}
        with answered():
            found = await self._base[collection].update_one(
                {"_id": document["_id"]}, {"$setOnInsert": fields}, upsert=True
            )
        return found.upserted_id is not None


def _text(document: Document, field: str) -> str | None:
    """Whoever wrote it, only a text is one."""
    value = document.get(field)
    return value if isinstance(value, str) else None
