"""What every route of the gateway does, with one that only says what came."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from aiokafka.errors import KafkaConnectionError
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message

from gateway import routes
from gateway.app import router
from gateway.documents import path
from gateway.query import parameter
from gateway.routes import MAX_BODY, Answering, Route, routed
from gateway.socket.app import Live
from projections.mongo.errors import Unavailable
from streams.health.vitals import Vitals
from streams.kafka.publisher import Late
from streams.settings import Settings

FORM = {"content-type": "text/plain;charset=UTF-8"}


async def ask(
    handler: Callable[[Request], Awaitable[Response]],
    method: str,
    body: bytes | AsyncIterator[bytes],
    headers: dict[str, str],
    at: str = "/it",
) -> httpx.Response:
    known = [path("id", "In the path."), parameter("at", "When.", {"type": "string"})]
    app = FastAPI()
    app.include_router(routed("/it", "it", Route(method, "", handler, "", {}, known)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        return await client.request(method, at, content=body, headers=headers)


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


@pytest.mark.parametrize("headers", [{}, FORM, {"content-type": "application/x-www-form-urlencoded"}])
async def test_a_body_that_another_site_s_page_could_post_is_refused(headers: dict[str, str]) -> None:
    answer = await ask(echo, "POST", b"{}", headers)
    assert answer.status_code == 415
    assert answer.json()["message"].endswith("send it with Content-Type: application/json")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
async def test_json_comes_through(kind: str) -> None:
    assert (await ask(echo, "POST", b"{}", {"content-type": kind})).text == "{}"


async def test_what_browsers_ask_leave_for_needs_no_type_and_nor_does_nothing() -> None:
    assert (await ask(echo, "PUT", b"{}", FORM)).text == "{}"
    assert (await ask(echo, "POST", b"", {})).status_code == 200


async def test_no_more_of_a_body_is_read_than_anybody_wants() -> None:
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        for pieces in range(1, 1000):  # noqa: B007 - looked at below
            yield bytes(MAX_BODY // 4)

    answer = await ask(echo, "PUT", endless(), {})
    assert (answer.status_code, pieces) == (413, 5)
    assert answer.json()["message"] == f"the body must not have more than {MAX_BODY} bytes"
    assert len((await ask(echo, "PUT", bytes(MAX_BODY), {})).content) == MAX_BODY


async def test_a_body_that_does_not_come_is_its_sender_s_fault_and_no_server_s(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    monkeypatch.setattr(routes, "BODY_TIMEOUT", 0.01)
    answer = await ask(echo, "PUT", stuck(), {})
    assert (answer.status_code, answer.json()) == (408, {"message": "the body must be sent within 0.01 s"})


async def test_a_client_that_goes_away_while_it_sends_ends_its_request_only() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    (route,) = routed("/it", "it", Route("PUT", "", echo, "", {})).routes
    assert isinstance(route, Answering)
    scope = {"type": "http", "method": "PUT", "query_string": b"", "headers": []}
    assert (await route.get_route_handler()(Request(scope, gone))).status_code == 400


@pytest.mark.parametrize(
    ("error", "server"),
    [
        (KafkaConnectionError(), "Kafka"),
        (Late(), "Kafka"),
        (Unavailable(), "the database"),
        (TimeoutError(), "the database"),
    ],
)
async def test_the_server_that_is_away_is_named(error: Exception, server: str) -> None:
    async def fail(_: Request) -> Response:
        raise error

    answer = await ask(fail, "POST", b"", {})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["message"] == f"{server} does not answer, try again"


async def test_only_what_a_route_documents_may_be_asked_with() -> None:
    assert (await ask(echo, "GET", b"", {}, "/it?at=0")).status_code == 200
    answer = await ask(echo, "GET", b"", {}, "/it?at=0&when=1&id=n1")
    assert (answer.status_code, answer.json()["details"]) == (
        400,
        [{"field": name, "message": "is not known here, only at"} for name in ("when", "id")],
    )


async def test_nothing_is_done_for_a_misspelled_wish() -> None:
    async def act(_: Request) -> Response:
        return pytest.fail("it was done")

    assert (await ask(act, "DELETE", b"", {}, "/it?dryRun=true")).status_code == 400


def test_every_route_of_the_gateway_says_that_it_looks_at_what_it_is_asked_with() -> None:
    settings = Settings()
    app = FastAPI()
    app.include_router(Live(settings, asyncio.Event(), Vitals()).router)
    app.include_router(router(settings))
    told = {(method, at): one for at, methods in app.openapi()["paths"].items() for method, one in methods.items()}
    assert {("get", "/api/notifications/stream"), ("get", "/posts"), ("post", "/api/replays")} <= told.keys()
    assert [which for which, one in told.items() if "400" not in one["responses"]] == []
