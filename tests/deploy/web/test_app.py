import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from deploy.stack import ports
from deploy.web.app import Timed, application, readiness
from gateway.socket.app import Live
from streams.health.vitals import Vitals
from streams.settings import Settings


async def ready(settings: Settings) -> httpx.Response:
    app = FastAPI()
    app.include_router(readiness(settings))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")
    async with app.router.lifespan_context(app), client:
        return await client.get("/ready")


@pytest.mark.integration
async def test_ready_tells_which_server_is_away_and_why() -> None:
    nowhere = f"127.0.0.1:{ports.choose(taken=())}"
    answer = await ready(
        Settings(
            kafka_url=f"kafka://{nowhere}",
            rabbitmq_url=f"amqp://guest:guest@{nowhere}/",
            redis_url=f"redis://{nowhere}/0",
            mongo_url=f"mongodb://{nowhere}/",
        )
    )
    assert answer.status_code == 503
    assert answer.json()["status"] == "unready"
    assert all(server["state"] == "failed" and server["error"] for server in answer.json()["servers"].values())


async def test_ready_when_every_server_answers(servers: Settings) -> None:
    answer = await ready(servers)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "servers": {name: {"state": "ok"} for name in ("kafka", "rabbitmq", "redis", "mongo")},
    }


async def answered(path: str, method: str) -> dict[tuple[str, str], float]:
    """How many requests were timed after this one, by method and status."""
    app, vitals = FastAPI(), Vitals()

    @app.get("/here")
    async def here() -> str:
        return "here"

    @app.get("/broken")
    async def broken() -> None:
        raise HTTPException(503)

    transport = httpx.ASGITransport(Timed(app, vitals))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        await client.request(method, path)
    samples = [sample for family in vitals.registry.collect() for sample in family.samples]
    return {
        (sample.labels["method"], sample.labels["status"]): sample.value
        for sample in samples
        if sample.name == "tidings_http_request_seconds_count"
    }


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/here", ("GET", "200")),
        ("GET", "/broken", ("GET", "503")),
        ("GET", "/nowhere", ("GET", "404")),
        ("MADE-UP", "/here", ("other", "405")),
    ],
)
async def test_requests_are_timed_by_method_and_status(method: str, path: str, told: tuple[str, str]) -> None:
    assert await answered(path, method) == {told: 1}


@pytest.fixture
async def everything() -> AsyncIterator[httpx.AsyncClient]:
    """Everything that is served, without the servers behind it."""
    settings = Settings()
    app = application(settings, Live(settings, asyncio.Event(), Vitals()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        yield client


async def test_a_wrong_method_is_told_all_that_the_path_takes(everything: httpx.AsyncClient) -> None:
    answer = await everything.patch("/api/policies/actor/ada")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, PUT")
    assert answer.json() == {"message": "Method Not Allowed"}


async def test_an_unknown_path_is_told_as_all_errors_are(everything: httpx.AsyncClient) -> None:
    answer = await everything.get("/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


async def test_both_documents_are_served(everything: httpx.AsyncClient) -> None:
    assert (await everything.get("/asyncapi.json")).json()["asyncapi"] == "3.0.0"
    paths = (await everything.get("/openapi.json")).json()["paths"]
    assert "/api/notifications" in paths
    assert not {"/", "/docs", "/asyncapi.json"} & paths.keys()
