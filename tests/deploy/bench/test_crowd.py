"""The bench's clients against the gateway's own sockets; no server behind it is asked for anything."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import cast

import msgspec
import pytest
from starlette.types import Receive, Scope, Send

from deploy.bench import crowd
from deploy.bench.crowd import Heard, Orders
from deploy.web.serving import serve
from gateway.live.feed import Feed
from gateway.socket.acknowledging import Acknowledging
from gateway.socket.desk import Desk
from gateway.socket.hub import Hub
from gateway.socket.mailboxes import Mailboxes
from gateway.socket.presence import Presence
from gateway.socket.session import Stored
from gateway.socket.upgrade import protocol
from streams.mailbox import Item, News, Opening
from streams.settings import Settings
from streams.tokens import Tokens

pytestmark = pytest.mark.integration  # it serves on a port

USERS = [f"user{number}" for number in range(30)]
EPOCH = "e1"
SECONDS = 60


class Empty:
    """Mailboxes in which nothing waits; and acknowledgements that are told at once."""

    def __init__(self) -> None:
        self.hub: Hub | None = None

    async def open(self, _user: str, epoch: str, _position: int) -> Opening:
        return Opening(EPOCH, 1, epoch == EPOCH, [], frozenset(), 0)

    async def acknowledge(self, user: str, notification: str) -> None:
        assert self.hub is not None
        self.hub.tell(News(user, EPOCH, 0, notification))


async def stored(_user: str, _found: Opening) -> Sequence[Stored]:
    return []


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Is never asked."""


@pytest.fixture
def hub() -> Hub:
    return Hub(cast("Mailboxes", Empty()), stored)


@pytest.fixture
async def address(hub: Hub) -> AsyncIterator[tuple[str, int]]:
    settings, boxes, stopping = Settings(), Empty(), asyncio.Event()
    boxes.hub = hub
    desk = Desk(hub, Tokens(settings), cast("Acknowledging", boxes), Feed(settings), Presence(settings))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        upgrade = protocol(desk.accept)
        serving = asyncio.create_task(
            serve(nothing, stopping, grace=1, sockets=[listening], upgrade=upgrade, lifespan="off")
        )
        yield listening.getsockname()
        stopping.set()
        await asyncio.wait_for(serving, SECONDS)


@pytest.fixture
async def pipe(address: tuple[str, int]) -> AsyncIterator[Connection]:
    ours, theirs = Pipe()
    thread = threading.Thread(target=crowd.run, args=(theirs, address, USERS), daemon=True)
    thread.start()
    yield ours
    ours.send(Orders("end"))
    await asyncio.to_thread(thread.join, SECONDS)


async def heard_until(pipe: Connection, reached: Callable[[Heard], bool], *, ack: bool = False) -> Heard:
    total = Heard()
    async with asyncio.timeout(SECONDS):
        while not reached(total):
            pipe.send(Orders("report", ack))
            more: Heard = await asyncio.to_thread(pipe.recv)
            total = Heard(
                total.messages + more.messages,
                total.acks + more.acks,
                more.authenticated,
                total.recovered + more.recovered,
                total.closed + more.closed,
                more.seconds,
            )
    return total


async def test_a_crowd_connects_hears_acknowledges_is_cut_off_and_resumes(hub: Hub, pipe: Connection) -> None:
    pipe.send(Orders("connect"))
    first = await heard_until(pipe, lambda heard: heard.authenticated == len(USERS))
    assert (first.recovered, first.messages) == (0, [])
    assert 0 < first.seconds < SECONDS
    for user in USERS:
        long = Item(f"{user}-n1", user, f"{time.monotonic_ns()} hello{'.' * 200}", "LIKE", "")
        hub.tell(News(user, EPOCH, 2, f"{user}-n1", msgspec.json.encode(long)))
    told = await heard_until(pipe, lambda heard: len(heard.messages) == len(USERS))
    assert 0 < max(told.messages) < SECONDS * 10**9
    await heard_until(pipe, lambda heard: heard.authenticated == len(USERS), ack=True)
    for user in USERS:
        item = Item(f"{user}-n2", user, f"{time.monotonic_ns()} hello", "LIKE", "")
        hub.tell(News(user, EPOCH, 3, f"{user}-n2", msgspec.json.encode(item)))
    told = await heard_until(pipe, lambda heard: len(heard.acks) == len(USERS), ack=True)
    assert min(told.acks) > 0
    pipe.send(Orders("drop"))
    async with asyncio.timeout(SECONDS):
        while hub.users:  # noqa: ASYNC110 - the hub tells nobody who leaves
            await asyncio.sleep(0.01)
    pipe.send(Orders("connect"))
    again = await heard_until(pipe, lambda heard: heard.authenticated == len(USERS))
    assert (again.recovered, again.closed) == (len(USERS), 0)
