import httpx
from fastapi import FastAPI

from deploy.stack import ports
from deploy.web import readiness
from streams.settings import Settings


async def ready(settings: Settings) -> httpx.Response:
    app = FastAPI()
    app.include_router(readiness(settings))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")
    async with app.router.lifespan_context(app), client:
        return await client.get("/ready")


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
