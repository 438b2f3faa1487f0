"""Every route of the whole application without a token, with a user's and with a service's."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import jwt
import pytest
from pydantic import SecretStr
from starlette.responses import Response
from typer.testing import CliRunner

from deploy.address import Exposed
from deploy.cli import app
from deploy.web import app as web
from deploy.web.app import application
from deploy.web.authentication import OPEN, Authenticated, is_open, may
from gateway.socket.app import Live
from streams import clock
from streams.health.vitals import Vitals
from streams.settings import Settings
from streams.tokens import Caller, Tokens

SECRET = "s" * 32
SETTINGS = Settings(jwt_secret=SecretStr(SECRET))
ADA = Caller("ada", service=False, expires=2**33)


def token(**more: object) -> str:
    return jwt.encode({"sub": "ada", "exp": clock.now() + timedelta(minutes=1), **more}, SECRET)


def routes() -> Iterator[tuple[str, str]]:
    live = Live(SETTINGS, asyncio.Event(), Vitals())
    for path, operations in application(SETTINGS, live).openapi()["paths"].items():
        yield from ((method.upper(), re.sub(r"\{\w+\}", "bob", path)) for method in operations)


async def asked(method: str, path: str, authorization: str | None = None) -> httpx.Response:
    """The answer of a server behind which everything is answered with 200."""
    transport = httpx.ASGITransport(Authenticated(Response("here"), Tokens(SETTINGS)))
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.request(method, path, headers=headers)


CLOSED = [(method, path) for method, path in routes() if not is_open(path)]


def test_there_are_routes_to_try() -> None:
    assert {("POST", "/api/notifications"), ("POST", "/like"), ("GET", "/posts")} <= set(CLOSED)
    assert {"/health", "/ready"} <= {path for _, path in routes()} & OPEN


@pytest.mark.parametrize(("method", "path"), [*CLOSED, ("GET", "/metrics"), ("GET", "/nowhere")])
async def test_no_route_but_the_open_ones_answers_without_a_token(method: str, path: str) -> None:
    for authorization in (None, "", "Basic YTpi", "Bearer", "Bearer blah", f"Bearer {token(exp=1)}"):
        answer = await asked(method, path, authorization)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await asked(method, path, f"bearer {token(scope='service')}")).status_code == 200


@pytest.mark.parametrize(("method", "path"), [one for one in CLOSED if one != ("GET", "/posts")])
async def test_a_user_s_token_opens_nothing_that_is_others(method: str, path: str) -> None:
    answer = await asked(method, path, f"Bearer {token()}")
    assert answer.status_code == 403
    assert "scope" in answer.headers["WWW-Authenticate"]
    assert method == "HEAD" or answer.json() == {"message": "this needs a service's token"}


@pytest.mark.parametrize("path", sorted(OPEN))
async def test_the_open_ones_ask_nobody(path: str) -> None:
    assert (await asked("GET", path)).status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "allowed"),
    [
        ("/posts", "", True),
        ("/api/users/ada/presence", "", True),
        ("/api/users/bob/presence", "", False),
        ("/api/notifications", "recipient=ada", True),
        ("/api/notifications", "type=in-app&recipient=ada&limit=5", True),
        ("/api/notifications", "recipient=bob", False),
        ("/api/notifications", "recipient=ada&recipient=bob", False),
        ("/api/notifications", "recipient=bob&recipient=ada", False),
        ("/api/notifications", "recipient=", False),
        ("/api/notifications/", "recipient=ada", False),
        ("/api/notifications/n1", "recipient=ada", False),
        ("/api/notifications/stream", "recipient=ada", False),
    ],
)
def test_a_user_s_token_opens_what_is_addressed_to_the_user(path: str, query: str, allowed: bool) -> None:
    assert may(ADA, "GET", path, query) is allowed
    assert may(ADA, "POST", path, query) is False


def test_a_token_to_try_things_with_comes_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    for arguments, service in ((["token", "ada"], False), (["token", "ada", "--service", "--minutes", "5"], True)):
        told = CliRunner().invoke(app, arguments)
        caller = Tokens(SETTINGS).caller(told.output.strip())
        assert (caller.subject, caller.service) == ("ada", service)


async def test_the_process_does_not_start_where_others_could_reach_it_unasked() -> None:
    with pytest.raises(Exposed):
        await web.run(Settings(host="0.0.0.0"), asyncio.Event(), Vitals())
