"""`GET /posts`: the newest posts with their authors' names, for a UI that wants something to like."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.answers import answer
from gateway.desk import PATIENCE
from gateway.query import LIMIT
from projections.people import People
from projections.store import database
from streams.settings import Settings


class PostsDesk:
    """Answers requests for posts while it is `open`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """A connection for as long as the app lives; the database may be away, now and later."""
        async with database(self._settings, patience=PATIENCE) as base:
            self._people = People(base)
            yield

    async def posts(self, _: Request) -> Response:
        """The newest ones; an author without a known name goes by the id, as in the texts."""
        posts = await self._people.newest_posts(LIMIT)
        names = await self._people.names({post["authorId"] for post in posts if isinstance(post.get("authorId"), str)})
        return answer([wire.post(post, names) for post in posts])
