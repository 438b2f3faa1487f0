"""The gateway as a router: what became of notifications, from the read models, over HTTP."""

from fastapi import APIRouter

from gateway import documents
from gateway.answers import Answering
from gateway.desk import Desk
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
    """The reads of `/api/notifications`, with the connections they need for as long as the app lives."""
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
