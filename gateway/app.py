"""The gateway as a router: everything that is asked over HTTP, a subject a line."""

from fastapi import APIRouter

from gateway import front
from gateway.clients import Clients
from gateway.dead_letters import desk as dead_letters
from gateway.dead_letters import work as dead_letter_work
from gateway.notifications import desk as notifications
from gateway.overview import desk as overview
from gateway.policies import desk as policies
from gateway.posts import desk as posts
from gateway.preferences import desk as preferences
from gateway.read_models import desk as read_models
from gateway.redelivery import desk as redelivery
from gateway.replays import desk as replays
from streams.settings import Settings

SUBJECTS = (
    notifications,
    posts,
    dead_letters,
    dead_letter_work,
    policies,
    replays,
    overview,
    read_models,
    preferences,
    redelivery,
)


def router(settings: Settings, clients: Clients | None = None) -> APIRouter:
    """All of them, with clients of their own, or with those that somebody else opens."""
    own = clients or Clients(settings)
    routes = APIRouter(lifespan=None if clients else own.open)
    for subject in SUBJECTS:
        routes.include_router(subject.router(own))
    routes.include_router(front.router())
    return routes
