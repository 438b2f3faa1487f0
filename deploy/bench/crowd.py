"""Many clients in one process, as cheap as Python makes them: plain sockets and one epoll, frames read by hand.

They are told what to do over a pipe and answer over it: see `Orders`. Their frames are masked with zeros, which is
legal and costs nothing.
"""

import errno
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Literal

import orjson

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101"
TEXT, PING, CLOSE = 1, 9, 8
PONG = b"\x8a\x80\0\0\0\0"
AT_ONCE = 1024
"""Events that one look at epoll returns."""
QUIET = 0.05
"""Seconds for which epoll is waited for before the pipe is looked at."""


@dataclass(frozen=True)
class Orders:
    """`connect` all, `drop` all, or `report` what was heard since the last one; `ack`: acknowledge all from now on."""

    do: Literal["connect", "drop", "report", "end"]
    ack: bool = False


@dataclass
class Heard:
    """Since the last report: how long each message and each acknowledgement took, in nanoseconds."""

    messages: list[int] = field(default_factory=list)
    acks: list[int] = field(default_factory=list)
    authenticated: int = 0
    recovered: int = 0
    closed: int = 0
    seconds: float = 0.0
    """From the order to connect until all are authenticated."""


@dataclass(slots=True)
class Client:
    """One socket and what it remembers for the next."""

    user: str
    socket: socket.socket
    data: bytes = b""
    switched: bool = False
    place: dict[str, object] = field(default_factory=dict)


class Crowd:
    """All clients of this process."""

    def __init__(self, address: tuple[str, int], users: list[str]) -> None:
        self._address, self._users = address, users
        self._epoll = select.epoll()
        self._clients: dict[int, Client] = {}
        self._places: dict[str, dict[str, object]] = {}
        self._asked: dict[str, int] = {}
        self._began = 0.0
        self.ack = False
        self.heard = Heard()

    def connect(self) -> None:
        """All at once; what a user was told last is where the next socket resumes."""
        self._began = time.monotonic()
        for user in self._users:
            made = socket.socket()
            made.setblocking(False)  # noqa: FBT003 - the socket's own
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if made.connect_ex(self._address) not in (0, errno.EINPROGRESS):
                raise ConnectionError(f"expected a gateway at {self._address}")
            self._clients[made.fileno()] = Client(user, made, place=self._places.get(user, {}))
            self._epoll.register(made.fileno(), select.EPOLLOUT)

    def drop(self) -> None:
        """All at once, as when a network goes away: without a word."""
        for client in list(self._clients.values()):
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._forget(client)

    def look(self) -> None:
        """Take in what has come."""
        for number, event in self._epoll.poll(QUIET, AT_ONCE):
            client = self._clients[number]
            if event & select.EPOLLOUT:
                client.socket.send(HANDSHAKE)
                self._epoll.modify(number, select.EPOLLIN)
            else:
                self._read(client)

    def report(self) -> Heard:
        """And begin anew."""
        heard, self.heard = self.heard, Heard(authenticated=self.heard.authenticated, seconds=self.heard.seconds)
        return heard

    def _read(self, client: Client) -> None:
        try:
            data = client.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.heard.closed += 1
            self._forget(client)
            return
        client.data += data
        if not client.switched:
            self._switch(client)
        for kind, payload in _frames(client):
            self._take(client, kind, payload)

    def _switch(self, client: Client) -> None:
        head, end, rest = client.data.partition(b"\r\n\r\n")
        if end and not head.startswith(SWITCHED):
            raise ConnectionError(f"expected {SWITCHED!r}, got {head[:80]!r}")
        if end:
            client.switched, client.data = True, rest
            _send(client, {"type": "AUTH", "userId": client.user, **client.place})

    def _take(self, client: Client, kind: int, payload: bytes) -> None:
        if kind == PING:
            client.socket.send(PONG)
        if kind != TEXT:
            return
        now, frame = time.monotonic_ns(), orjson.loads(payload)
        if frame.get("epoch"):
            client.place = self._places[client.user] = {"epoch": frame["epoch"], "position": frame["position"]}
        match frame["type"]:
            case "NOTIFICATION":
                self._notified(client, frame["payload"], now)
            case "ACKNOWLEDGED":
                self.heard.acks.append(now - self._asked.pop(frame["notificationId"], now))
            case "AUTHENTICATED":
                self._authenticated(recovered=frame["recovered"])

    def _notified(self, client: Client, payload: dict[str, str], now: int) -> None:
        self.heard.messages.append(now - int(payload["message"].partition(" ")[0]))
        if self.ack:
            self._asked[payload["notificationId"]] = now
            _send(client, {"type": "ACK", "notificationId": payload["notificationId"]})

    def _authenticated(self, *, recovered: bool) -> None:
        self.heard.authenticated += 1
        self.heard.recovered += recovered
        self.heard.seconds = time.monotonic() - self._began

    def _forget(self, client: Client) -> None:
        self._epoll.unregister(client.socket.fileno())
        del self._clients[client.socket.fileno()]
        client.socket.close()
        self.heard.authenticated -= 1


def run(pipe: Pipe, address: tuple[str, int], users: list[str]) -> None:
    """Obey orders until the last one."""
    crowd = Crowd(address, users)
    while True:
        crowd.look()
        if not pipe.poll():
            continue
        orders: Orders = pipe.recv()
        crowd.ack = orders.ack
        match orders.do:
            case "connect":
                crowd.connect()
            case "drop":
                crowd.drop()
            case "report":
                pipe.send(crowd.report())
            case "end":
                return


def _frames(client: Client) -> Iterator[tuple[int, bytes]]:
    """What is complete of a client's data: opcode and payload."""
    while client.switched and len(client.data) > 1:
        data, start, size = client.data, 2, client.data[1]
        if size == 126:  # noqa: PLR2004 - RFC 6455: two more bytes of length, as no frame of ours needs eight
            start, size = 4, int.from_bytes(data[2:4], "big")
        if len(data) < start + size:
            return
        client.data = data[start + size :]
        yield data[0] & 15, data[start : start + size]


def _send(client: Client, frame: dict[str, object]) -> None:
    payload = orjson.dumps(frame)
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")  # noqa: PLR2004 - RFC 6455
    client.socket.send(b"\x81" + size + b"\0\0\0\0" + payload)
