"""`GET /posts`: the newest posts with their authors' names, for a UI that wants something to like."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.answers import answer
from gateway.clients import Clients
from gateway.posts import documents
from gateway.query import LIMIT
from gateway.routes import Route, routed
from projections.people import People


def router(clients: Clients) -> APIRouter:
    """What is asked about them."""
    desk = PostsDesk(People(clients.base))
    return routed("", "social", Route("GET", "/posts", desk.posts, "The newest posts, for a UI", documents.POSTS))


class PostsDesk:
    """Reads them."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def posts(self, _: Request) -> Response:
        """The newest ones; an author without a known name goes by the id, as in the texts."""
        posts = await self._people.newest_posts(LIMIT)
        names = await self._people.names({post["authorId"] for post in posts if isinstance(post.get("authorId"), str)})
        return answer([wire.post(post, names) for post in posts])
