"""The gateway as a router: what became of notifications and dead letters, and the posts they are about, over HTTP."""

from typing import Any

from fastapi import APIRouter

from gateway import (
    dead_letter_documents,
    dead_letters,
    documents,
    front,
    letter_work,
    live_documents,
    past_documents,
    policies,
    preference_documents,
    read_model_documents,
    replay_documents,
    replays,
)
from gateway.answers import Answering
from gateway.desk import Desk
from gateway.moment import AT
from gateway.overview import OverviewDesk
from gateway.posts import PostsDesk
from gateway.preferences import PreferencesDesk
from gateway.query import PARAMETERS
from gateway.read_models import ReadModelsDesk
from gateway.redelivery import documents as redelivery_documents
from gateway.redelivery.desk import Patient, RedeliveryDesk
from streams.settings import Settings


def _id(whose: str) -> dict[str, Any]:
    named = {"name": "id", "in": "path", "required": True, "description": whose, "schema": {"type": "string"}}
    return {"parameters": [named]}


ID, LETTER_ID = _id("The notification's."), _id("The dead letter's, percent-encoded.")
REPLAY_ID = _id("The replay's.")


def router(settings: Settings) -> APIRouter:
    """All reads, with the connections they need for as long as the app lives."""
    routes = APIRouter()
    routes.include_router(_notifications(settings))
    routes.include_router(_posts(settings))
    routes.include_router(_dead_letters(settings))
    routes.include_router(_letter_work(settings))
    routes.include_router(_policies(settings))
    routes.include_router(_replays(settings))
    routes.include_router(_overview(settings))
    routes.include_router(_read_models(settings))
    routes.include_router(front.router())
    routes.include_router(_preferences(settings))
    routes.include_router(_redelivery(settings))
    return routes


def _notifications(settings: Settings) -> APIRouter:
    desk = Desk(settings)
    routes = APIRouter(prefix="/api/notifications", lifespan=desk.open, route_class=Answering, tags=["notifications"])
    routes.add_api_route(
        "",
        desk.jobs,
        methods=["GET"],
        summary="The newest notifications",
        responses=past_documents.LIST,
        openapi_extra={"parameters": [*PARAMETERS, AT]},
    )
    routes.add_api_route(
        "/counts",
        desk.counts,
        methods=["GET"],
        summary="How many notifications are in each status",
        responses=past_documents.COUNTS,
        openapi_extra={"parameters": [AT]},
    )
    routes.add_api_route(
        "/{id}",
        desk.job,
        methods=["GET"],
        summary="One notification",
        responses=past_documents.JOB,
        openapi_extra={"parameters": [*ID["parameters"], AT]},
    )
    routes.add_api_route(
        "/{id}/why",
        desk.why,
        methods=["GET"],
        summary="What led to where a notification stands",
        responses=past_documents.WHY,
        openapi_extra=ID,
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


def _read_models(settings: Settings) -> APIRouter:
    desk = ReadModelsDesk(settings)
    routes = APIRouter(prefix="/api", lifespan=desk.open, route_class=Answering, tags=["live"])
    routes.add_api_route(
        "/read-models",
        desk.read_models,
        methods=["GET"],
        summary="The copies of read models, and how far their rebuilds are",
        responses=read_model_documents.READ_MODELS,
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


def _replays(settings: Settings) -> APIRouter:
    desk = replays.ReplaysDesk(settings)
    routes = APIRouter(prefix="/api/replays", lifespan=desk.open, route_class=Answering, tags=["replays"])
    routes.add_api_route("", desk.replays, methods=["GET"], summary="All replays", responses=replay_documents.LIST)
    routes.add_api_route(
        "",
        desk.start,
        methods=["POST"],
        status_code=202,
        summary="Tell events of the log again, to a handler of yours",
        responses=replay_documents.STARTED,
        openapi_extra=replay_documents.REQUEST,
    )
    routes.add_api_route(
        "/{id}",
        desk.replay,
        methods=["GET"],
        summary="One replay",
        responses=replay_documents.REPLAY,
        openapi_extra=REPLAY_ID,
    )
    for say, summary in (
        (desk.pause, "Have a replay wait"),
        (desk.resume, "Have a replay go on, or a preview begin"),
        (desk.cancel, "End a replay where it is"),
    ):
        routes.add_api_route(
            f"/{{id}}/{say.__name__}",
            say,
            methods=["POST"],
            summary=summary,
            responses=replay_documents.SAID,
            openapi_extra=REPLAY_ID | replay_documents.WORDS,
        )
    return routes


def _preferences(settings: Settings) -> APIRouter:
    desk = PreferencesDesk(settings)
    routes = APIRouter(prefix="/api/preferences", lifespan=desk.open, route_class=Answering, tags=["preferences"])
    path, extra = "/{recipient:path}", preference_documents
    routes.add_api_route(
        path,
        desk.get,
        methods=["GET"],
        summary="What a recipient prefers",
        responses=extra.SHOWN,
        openapi_extra=extra.RECIPIENT,
    )
    routes.add_api_route(
        path,
        desk.put,
        methods=["PUT"],
        summary="Set what a recipient prefers",
        responses=extra.SET,
        openapi_extra=extra.REQUEST,
    )
    routes.add_api_route(
        path,
        desk.delete,
        methods=["DELETE"],
        summary="Have everything on again for a recipient",
        responses=extra.SET,
        openapi_extra=extra.RECIPIENT,
    )
    return routes


def _redelivery(settings: Settings) -> APIRouter:
    desk = RedeliveryDesk(settings)
    routes = APIRouter(prefix="/api/notifications", lifespan=desk.open, route_class=Patient, tags=["notifications"])
    routes.add_api_route(
        "/redeliver",
        desk.many,
        methods=["POST"],
        status_code=202,
        summary="Deliver once more all that the filters leave",
        responses=redelivery_documents.BULK,
        openapi_extra=redelivery_documents.MANY,
    )
    routes.add_api_route(
        "/{id}/redeliver",
        desk.one,
        methods=["POST"],
        status_code=202,
        summary="Deliver a notification once more",
        responses=redelivery_documents.REDELIVERY,
        openapi_extra=redelivery_documents.ONE | {"parameters": [*ID["parameters"], redelivery_documents.KEY]},
    )
    return routes
