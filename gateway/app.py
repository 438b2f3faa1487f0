"""The gateway as a router: what became of notifications, and the posts they are about, over HTTP."""

from fastapi import APIRouter

from gateway import documents
from gateway.answers import Answering
from gateway.desk import Desk
from gateway.posts import PostsDesk
from gateway.query import PARAMETERS
from streams.settings import Settings

ID = {
    "parameters": [
        {
            "name": "id",
            "in": "path",
            "required": True,
            "description": "The notification's.",
            "schema": {"type": "string"},
        }
    ]
}


def router(settings: Settings) -> APIRouter:
    """All reads, with the connections they need for as long as the app lives."""
    routes = APIRouter()
    routes.include_router(_notifications(settings))
    routes.include_router(_posts(settings))
    return routes


def _notifications(settings: Settings) -> APIRouter:
    desk = Desk(settings)
    routes = APIRouter(prefix="/api/notifications", lifespan=desk.open, route_class=Answering, tags=["notifications"])
    routes.add_api_route(
        "",
        desk.jobs,
        methods=["GET"],
        summary="The newest notifications",
        responses=documents.LIST,
        openapi_extra={"parameters": PARAMETERS},
    )
    routes.add_api_route(
        "/{id}", desk.job, methods=["GET"], summary="One notification", responses=documents.JOB, openapi_extra=ID
    )
    routes.add_api_route(
        "/{id}/log",
        desk.story,
        methods=["GET"],
        summary="What happened to a notification",
        responses=documents.STORY,
        openapi_extra=ID,
    )
    return routes


def _posts(settings: Settings) -> APIRouter:
    desk = PostsDesk(settings)
    routes = APIRouter(lifespan=desk.open, route_class=Answering, tags=["social"])
    routes.add_api_route(
        "/posts", desk.posts, methods=["GET"], summary="The newest posts, for a UI", responses=documents.POSTS
    )
    return routes
