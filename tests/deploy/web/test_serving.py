"""Sockets of the gateway through the server that bounds HTTP; no server behind it is asked for anything."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence

import pytest
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deploy.web.serving import serve
from gateway.live.feed import Feed
from gateway.socket.acknowledging import Acknowledging
from gateway.socket.connection import Close
from gateway.socket.desk import Desk
from gateway.socket.hub import Hub
from gateway.socket.mailboxes import Mailboxes
from gateway.socket.presence import Presence
from gateway.socket.session import Stored
from gateway.socket.upgrade import protocol
from streams.kafka.publisher import Publisher
from streams.mailbox import Opening
from streams.settings import Settings
from streams.tokens import Tokens

pytestmark = pytest.mark.integration  # it serves on a port

SECONDS = 60


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Is never asked."""


async def stored(_user: str, _found: Opening) -> Sequence[Stored]:
    return []


async def owned(_user: str, _notification: str) -> bool:
    return True


@pytest.fixture
async def desk() -> Desk:
    settings = Settings()
    mailboxes = Mailboxes(settings)
    acknowledging = Acknowledging(Publisher(settings.kafka_url), mailboxes, owned, "secret")
    return Desk(Hub(mailboxes, stored), Tokens(settings), acknowledging, Feed(settings), Presence(settings))


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def url(desk: Desk, stopping: asyncio.Event) -> AsyncIterator[str]:
    upgrade = protocol(desk.accept)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(
            serve(nothing, stopping, grace=1, sockets=[listening], upgrade=upgrade, lifespan="off")
        )
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}/ws"
        stopping.set()
        await asyncio.wait_for(serving, SECONDS)


async def answered(client: ClientConnection) -> str:
    """The code that an ACK of nobody gets."""
    await client.send(json.dumps({"type": "ACK", "notificationId": "n"}))
    async with asyncio.timeout(SECONDS):
        return str(json.loads(await client.recv())["code"])


async def test_a_socket_outlives_the_time_that_its_headers_had(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.web.bounded_http.HEAD_TIMEOUT", 0.3)
    async with connect(url) as client:
        await asyncio.sleep(0.6)
        assert await answered(client) == "not-authenticated"


async def test_open_sockets_are_counted(url: str, desk: Desk) -> None:
    async with connect(url) as first, connect(url) as second:
        assert [await answered(client) for client in (first, second)] == ["not-authenticated"] * 2
        assert {name: value for name, value, _ in desk.readings()} == {"tidings_sockets": 2, "tidings_socket_users": 0}


async def test_a_server_that_stops_tells_its_sockets(url: str, stopping: asyncio.Event) -> None:
    async with connect(url) as client:
        assert await answered(client) == "not-authenticated"
        stopping.set()
        with pytest.raises(ConnectionClosed) as told:
            await asyncio.wait_for(client.recv(), SECONDS)
    assert told.value.rcvd is not None
    assert told.value.rcvd.code == Close.GOING_AWAY
