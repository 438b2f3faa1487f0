"""The gateway as a router: what became of notifications and dead letters, and the posts they are about, over HTTP."""

from typing import Any

from fastapi import APIRouter

from gateway import dead_letter_documents, dead_letters, documents, front, letter_work, live_documents, policies
from gateway.answers import Answering
from gateway.desk import Desk
from gateway.overview import OverviewDesk
from gateway.posts import PostsDesk
from gateway.query import PARAMETERS
from streams.settings import Settings


def _id(whose: str) -> dict[str, Any]:
    named = {"name": "id", "in": "path", "required": True, "description": whose, "schema": {"type": "string"}}
    return {"parameters": [named]}


ID, LETTER_ID = _id("The notification's."), _id("The dead letter's, percent-encoded.")


def router(settings: Settings) -> APIRouter:
    """All reads, with the connections they need for as long as the app lives."""
    routes = APIRouter()
    routes.include_router(_notifications(settings))
    routes.include_router(_posts(settings))
    routes.include_router(_dead_letters(settings))
    routes.include_router(_letter_work(settings))
    routes.include_router(_policies(settings))
    routes.include_router(_overview(settings))
    routes.include_router(front.router())
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


def _dead_letters(settings: Settings) -> APIRouter:
    desk = dead_letters.LettersDesk(settings)
    routes = APIRouter(prefix="/api/dead-letters", lifespan=desk.open, route_class=Answering, tags=["dead letters"])
    routes.add_api_route(
        "",
        desk.letters,
        methods=["GET"],
        summary="The newest dead letters",
        responses=dead_letter_documents.LIST,
        openapi_extra={"parameters": dead_letters.PARAMETERS},
    )
    routes.add_api_route(
        "/counts", desk.counts, methods=["GET"], summary="How many there are", responses=dead_letter_documents.COUNTS
    )
    routes.add_api_route(
        "/{id}",
        desk.letter,
        methods=["GET"],
        summary="One dead letter",
        responses=dead_letter_documents.LETTER,
        openapi_extra=LETTER_ID,
    )
    return routes


def _letter_work(settings: Settings) -> APIRouter:
    work = letter_work.LetterWork(settings)
    routes = APIRouter(
        prefix="/api/dead-letters", lifespan=work.open, route_class=letter_work.Working, tags=["dead letters"]
    )
    routes.add_api_route(
        "/redrive",
        work.redrive,
        methods=["POST"],
        summary="Put originals back where they came from",
        responses=dead_letter_documents.HANDLED,
        openapi_extra=dead_letter_documents.HANDLE_REQUEST,
    )
    routes.add_api_route(
        "/drop",
        work.drop,
        methods=["POST"],
        summary="Give dead letters up for good",
        responses=dead_letter_documents.HANDLED,
        openapi_extra=dead_letter_documents.HANDLE_REQUEST,
    )
    return routes


def _overview(settings: Settings) -> APIRouter:
    desk = OverviewDesk(settings)
    routes = APIRouter(prefix="/api", lifespan=desk.open, route_class=Answering, tags=["live"])
    routes.add_api_route(
        "/overview",
        desk.overview,
        methods=["GET"],
        summary="What is there, and what waits where",
        responses=live_documents.OVERVIEW,
    )
    return routes


def _policies(settings: Settings) -> APIRouter:
    desk = policies.PoliciesDesk(settings)
    routes = APIRouter(prefix="/api", lifespan=desk.open, route_class=Answering, tags=["policies"])
    routes.add_api_route(
        "/policies",
        desk.policies,
        methods=["GET"],
        summary="The limits that differ from the settings'",
        responses=documents.POLICIES,
    )
    routes.add_api_route(
        "/policies/{scope}/{about}",
        desk.put,
        methods=["PUT"],
        summary="Set limits for an actor, a recipient or a type",
        responses=documents.POLICY,
        openapi_extra=documents.POLICY_REQUEST,
    )
    routes.add_api_route(
        "/policies/{scope}/{about}",
        desk.delete,
        methods=["DELETE"],
        summary="Lift a policy",
        responses=documents.POLICY,
        openapi_extra=documents.POLICY_PARAMETERS,
    )
    routes.add_api_route(
        "/cool-offs/{about}",
        desk.lift,
        methods=["DELETE"],
        summary="Let a cooled-off actor act again",
        responses=documents.COOL_OFF,
        openapi_extra=documents.ACTOR,
    )
    return routes
