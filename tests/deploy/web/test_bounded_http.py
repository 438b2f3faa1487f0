"""What a client may send as headers, and how slowly."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deploy.web.bounded_http import MAX_HEAD
from deploy.web.serving import serve

pytestmark = pytest.mark.integration  # it serves on a port

FIRST_PIECE = 256 * 1024
"""Bytes; uvloop reads no more at once."""
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body."""
    if scope["type"] == "http":
        body = await Request(scope, receive).body()
        await Response(str(len(body)))(scope, receive, send)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    stopping = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(serve(length, stopping, grace=1, sockets=[listening], lifespan="off"))
        yield listening.getsockname()[1]
        stopping.set()
        await serving


@pytest.fixture
async def stream(port: int) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The status line's code and the body."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head.split(b" ")[1], await reader.readexactly(size)


async def test_endless_headers_are_refused(stream: Stream) -> None:
    reader, writer = stream
    writer.write(b"GET / HTTP/1.1\r\n")
    await writer.drain()
    writer.write(b"X-Long: " + b"x" * (FIRST_PIECE + 2 * MAX_HEAD))
    assert await answer(reader) == (b"400", b"The headers are too large.")
    with suppress(ConnectionResetError):  # what was not read any more
        assert await reader.read() == b""


async def test_large_bodies_and_requests_that_follow_each_other_at_once_are_none(stream: Stream) -> None:
    reader, writer = stream
    request = b"POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    writer.write(3 * request)
    for _ in range(3):
        assert await answer(reader) == (b"200", b"200000")


async def test_headers_that_do_not_end_in_time_end_the_connection(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr("deploy.web.bounded_http.HEAD_TIMEOUT", 0.3)
    for sent in (b"", b"GET / HTTP/1.1\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()


async def test_a_connection_whose_headers_came_in_time_goes_on(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr("deploy.web.bounded_http.HEAD_TIMEOUT", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na")
    await asyncio.sleep(0.6)
    writer.write(b"b")
    assert await answer(reader) == (b"200", b"2")
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await answer(reader) == (b"200", b"0")
    writer.close()
