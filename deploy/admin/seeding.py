"""Two users and their posts, for trying things out: what the social reference's seeder makes."""

from datetime import datetime, timedelta

from deploy.admin.asking import ask, read_models
from projections.people import People
from projections.position import Document
from streams import clock
from streams.settings import Settings

USERS: list[Document] = [{"_id": "user1", "name": "Ada"}, {"_id": "user2", "name": "Grace"}]
POSTS: list[Document] = [
    {"_id": "post1", "authorId": "user2", "title": "Tides of the North Sea"},
    {"_id": "post2", "authorId": "user2", "title": "How to read a log"},
    {"_id": "post3", "authorId": "user1", "title": "Notes on engines"},
    {"_id": "post4", "authorId": "user1", "title": "What never happens twice"},
]


def seed(settings: Settings) -> list[str]:
    """Make what is not there yet, and return its ids. The first post is the newest. Raises `StackError`."""
    return ask(fill(settings))


async def fill(settings: Settings) -> list[str]:
    """The same, on a loop that runs already. Raises `Unavailable`."""
    async with read_models(settings) as base:
        return await People(base).add(USERS, _dated(clock.now()))


def _dated(now: datetime) -> list[Document]:
    return [{**post, "createdAt": now - timedelta(minutes=age)} for age, post in enumerate(POSTS)]
