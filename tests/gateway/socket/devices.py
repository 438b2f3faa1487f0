"""Users with devices that connect, are cut off and come again, and acknowledge now and then; all that they hear.

A device is a client of the `websockets` library. It keeps the last place that a frame told and mostly resumes there.
"""

import asyncio
import json
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.gateway.socket.conftest import Frame

CUT = 0.1
"""The chance after each frame that the connection ends."""
ACKED = 0.4
"""The chance that what is heard is acknowledged."""
RESUMED = 0.8
"""The chance that a device still knows where it was."""
ENOUGH = 60
"""Seconds in which a device has heard all that waits."""
PATIENCE = 0.5
"""Seconds of silence after which a device looks whether it is still wanted."""


@dataclass
class User:
    """Notifications are called `<user>-<number>`, with numbers from 1 to `total`."""

    name: str
    total: int
    heard: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    """Acknowledged, as far as the user knows."""
    confirmed: set[int] = field(default_factory=set)
    """Acknowledged, as the system has said."""
    faults: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def missing(self) -> set[int]:
        return set(range(1, self.total + 1)) - self.heard


class Listening:
    """One connection, and what must hold on it: in order, each once, and nothing that was acknowledged before."""

    def __init__(self, user: User, socket: ClientConnection) -> None:
        self._user, self._socket = user, socket
        self._over = set(user.confirmed)
        self._last = 0
        self.heard: set[int] = set()
        self._told: list[str] = []
        self.place: dict[str, object] = {}

    async def auth(self, place: dict[str, object]) -> None:
        self._user.connections += 1
        self.place = place
        await self._socket.send(json.dumps({"type": "AUTH", "userId": self._user.name, **place}))

    async def hear(self) -> Frame | None:
        """The next frame, or None if nothing comes."""
        try:
            async with asyncio.timeout(PATIENCE):
                frame: Frame = json.loads(await self._socket.recv())
        except TimeoutError:
            return None
        if frame.get("epoch"):
            self.place = {"epoch": frame["epoch"], "position": frame["position"]}
        self._told.append(short(frame))
        match frame["type"]:
            case "AUTHENTICATED":
                self._last = self._last if frame["recovered"] else 0
            case "NOTIFICATION":
                self._take(number_of(frame["payload"]["notificationId"]))
            case "ACKNOWLEDGED":
                self._over.add(number_of(frame["notificationId"]))
                self._user.confirmed.add(number_of(frame["notificationId"]))
            case _:
                self._fault(f"{frame}")
        return frame

    def _take(self, number: int) -> None:
        if number <= self._last:
            self._fault(f"{number} came after {self._last}")
        if number in self._over:
            self._fault(f"{number} came after its ACK")
        self._last = number
        self.heard.add(number)
        self._user.heard.add(number)

    def _fault(self, what: str) -> None:
        self._user.faults.append(f"{self._user.name}: {what}: {' '.join(self._told)}")

    async def ack(self, number: int) -> None:
        self._user.asked.add(number)
        await self._socket.send(json.dumps({"type": "ACK", "notificationId": f"{self._user.name}-{number}"}))


async def use(user: User, urls: Sequence[str], chance: random.Random) -> None:
    """A device, until its user has heard everything; where a gateway is away it goes to another one."""
    place: dict[str, object] = {}
    while user.missing:
        with suppress(OSError, ConnectionClosed, InvalidHandshake):
            async with connect(f"{chance.choice(urls)}/ws".replace("http", "ws"), open_timeout=30) as socket:
                listening = Listening(user, socket)
                await listening.auth(place if chance.random() < RESUMED else {})
                try:
                    await _listen(listening, user, chance)
                finally:
                    place = listening.place
                if chance.random() < 0.5:  # the others say goodbye
                    socket.transport.abort()


async def _listen(listening: Listening, user: User, chance: random.Random) -> None:
    while user.missing:
        frame = await listening.hear()
        if frame is not None and frame["type"] == "NOTIFICATION" and chance.random() < ACKED:
            await listening.ack(number_of(frame["payload"]["notificationId"]))
        if frame is not None and chance.random() < CUT:
            return


async def look_again(user: User, url: str) -> set[int]:
    """What a device that knows nothing hears: what it should, however late, and whatever comes after that."""
    async with connect(f"{url}/ws".replace("http", "ws"), open_timeout=30) as socket:
        listening, answered, wanted = Listening(user, socket), False, user.heard - user.asked
        await listening.auth({})
        with suppress(TimeoutError):
            async with asyncio.timeout(ENOUGH):
                while not (answered and listening.heard >= wanted):
                    answered |= await listening.hear() is not None
        while await listening.hear() is not None:
            pass
        return listening.heard


def short(frame: Frame) -> str:
    """For a trace: what it is, and where."""
    what = frame.get("payload", frame).get("notificationId", f"{frame['type']}-").rpartition("-")[::2]
    return f"{frame['type'][:3]}{what[1]}@{frame.get('epoch', '')[:3]}.{frame.get('position', '')}"


def number_of(notification: str) -> int:
    return int(notification.rpartition("-")[2])
