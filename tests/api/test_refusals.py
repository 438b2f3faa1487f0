"""What is refused before RabbitMQ is asked, in the words of each way in."""

from collections.abc import AsyncIterator
from unittest.mock import AsyncMock

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from api.backlog import Backlog
from api.create import NO_PARAMETER, Creation
from api.outbox import Outbox
from api.pressure import Pressure, Sample
from api.redis_pipe import Pipe
from api.room import Room
from api.ways import DELIVERY, EVENT, LIKE, Way
from streams.settings import Settings

IN_OWN_WORDS = {"message": "Failed to queue event"}


class Desk:
    """The API without servers."""

    def __init__(self) -> None:
        settings = Settings()
        outbox, pipe = Outbox(settings.rabbitmq_url, 0.1), Pipe(settings.redis_url)
        self.backlog = Backlog(settings, outbox, pipe)
        self.creation = Creation(settings, outbox, pipe, self.backlog)

    async def post(
        self, way: Way, *, kind: str = "application/json", query: str = "", body: bytes | AsyncIterator[bytes] = b"{}"
    ) -> httpx.Response:
        app = Starlette(routes=[Route("/", self.creation.by(way), methods=["POST"])])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.post(f"/{query}", content=body, headers={"content-type": kind} if kind else {})


@pytest.mark.parametrize(("way", "status"), [(DELIVERY, 503), (EVENT, 503), (LIKE, 500)])
async def test_too_much_waits(way: Way, status: int) -> None:
    desk = Desk()
    desk.backlog.pressure = Pressure(10).after(Sample(0.0, 11))
    answer = await desk.post(way)
    assert answer.status_code == status
    assert (answer.json() == IN_OWN_WORDS) == (way is LIKE)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


@pytest.mark.parametrize(("way", "status"), [(DELIVERY, 503), (EVENT, 503), (LIKE, 500)])
async def test_too_many_requests_are_under_way(way: Way, status: int) -> None:
    desk = Desk()
    desk.creation._room = Room(0)
    answer = await desk.post(way)
    assert answer.status_code == status
    assert (answer.json() == IN_OWN_WORDS) == (way is LIKE)
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("way", [DELIVERY, EVENT, LIKE])
async def test_what_is_wrong_with_a_body_is_a_400_by_every_way(way: Way) -> None:
    assert (await Desk().post(way)).status_code == 400


@pytest.mark.parametrize("way", [DELIVERY, EVENT, LIKE])
@pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", ""])
async def test_what_a_page_of_another_site_could_post_is_a_415_that_says_what_to_send(way: Way, kind: str) -> None:
    answer = await Desk().post(way, kind=kind)
    assert answer.status_code == 415
    assert answer.json()["message"].endswith("send it with Content-Type: application/json")


@pytest.mark.parametrize("way", [DELIVERY, EVENT, LIKE])
@pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", ""])
async def test_where_nothing_is_sent_that_is_what_is_wrong_whatever_type_it_has(way: Way, kind: str) -> None:
    assert (await Desk().post(way, kind=kind, body=b"")).status_code == 400


async def test_a_body_in_chunks_without_a_length_must_be_json_too() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"{}"

    assert (await Desk().post(DELIVERY, kind="text/plain", body=chunks())).status_code == 415


async def test_a_body_that_comes_as_another_kind_of_json_is_looked_at() -> None:
    answer = await Desk().post(DELIVERY, kind="application/vnd.tidings+json; charset=utf-8")
    assert answer.json()["message"] == "type, recipient and message are required"


async def test_a_body_of_another_type_is_refused_unread() -> None:
    receive = AsyncMock()
    scope = {"type": "http", "method": "POST", "query_string": b"", "headers": [(b"content-length", b"9")]}
    answer = await Desk().creation.by(DELIVERY)(Request(scope, receive))
    assert answer.status_code == 415
    receive.assert_not_awaited()


@pytest.mark.parametrize("way", [DELIVERY, EVENT, LIKE])
async def test_what_is_wanted_by_a_parameter_is_refused_by_name(way: Way) -> None:
    answer = await Desk().post(way, query="?priority=promotional")
    assert (answer.status_code, answer.json()["details"]) == (
        400,
        [{"field": "priority", "message": NO_PARAMETER}],
    )


async def test_a_query_string_that_names_nothing_asks_for_nothing() -> None:
    answer = await Desk().post(DELIVERY, query="?&")
    assert answer.json()["message"] == "type, recipient and message are required"
