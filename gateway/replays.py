"""Replays over HTTP: asked for, shown, paused, resumed and cancelled; `projections.replay` does the work.

What is said here goes to `notification-operations`, with who wants it and why, and what is shown is read back from it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, NoReturn, TypeVar
from uuid import uuid4

import msgspec
from aiokafka.errors import KafkaError
from fastapi import FastAPI
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer, unavailable
from gateway.query import STATUSES, Wrong
from projections.replay.book import Book, Verb, command, may, refusal, shown
from projections.replay.following import Follower
from projections.replay.targets import Refused, parse
from projections.replay.writing import Recorder
from streams.events import Instant
from streams.intake.requests import recipient_key
from streams.operations import Operation, ReplayRequested
from streams.replays import TYPES, Order, Selection
from streams.settings import Settings

SOURCE = "gateway"
PATIENCE = 1.5
"""Seconds until Kafka counts as away."""
RATE, MAX_RATE = 1000.0, 100_000.0
"""Events a second."""
MAX_BODY = 16 * 1024
BodyT = TypeVar("BodyT")


class Asked(Struct, rename={"since": "from", "until": "to"}, forbid_unknown_fields=True):
    """What a POST may say."""

    into: str
    since: Instant | None = None
    until: Instant | None = None
    recipient: str | None = None
    notification: str | None = None
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    rate: Annotated[float, Meta(gt=0, le=MAX_RATE)] = RATE
    preview: bool = False
    by: str = "api"
    why: str = ""


class Said(Struct, forbid_unknown_fields=True):
    """Who wants a replay paused, resumed or cancelled, and why."""

    by: str = "api"
    why: str = ""


class ReplaysDesk:
    """Answers while it is `open`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reading = asyncio.Lock()

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """Connections for as long as the app lives; Kafka may be away, now and later."""
        self._recorder = Recorder(self._settings.kafka_url, SOURCE)
        self._follower: Follower | None = None
        async with AsyncExitStack() as self._stack:
            self._stack.push_async_callback(self._recorder.close)
            yield

    async def replays(self, _: Request) -> Response:
        """All there are, newest first."""
        try:
            book = await self._book()
        except (KafkaError, TimeoutError):
            return unavailable()
        return answer([shown(replay) for replay in reversed(book.replays.values())])

    async def replay(self, request: Request) -> Response:
        """One."""
        return await self._answer(request.path_params["id"])

    async def start(self, request: Request) -> Response:
        """Ask for one; 202 with what it is about to be."""
        asked = await _body(request, Asked)
        name = uuid4().hex[:12]
        if asked.into == "stdout":
            raise Wrong({"into": "stdout is of ./tidings replay start: name a collection, a topic or a webhook"})
        return await self._told(ReplayRequested(name, order(asked, self._settings)), asked.by, asked.why, 202)

    async def pause(self, request: Request) -> Response:
        """Have it wait."""
        return await self._say(request, "pause")

    async def resume(self, request: Request) -> Response:
        """Have it go on; a preview, begin."""
        return await self._say(request, "resume")

    async def cancel(self, request: Request) -> Response:
        """Have it end where it is."""
        return await self._say(request, "cancel")

    async def _say(self, request: Request, verb: Verb) -> Response:
        said, name = await _body(request, Said), request.path_params["id"]
        try:
            replay = (await self._book()).replays.get(name)
        except (KafkaError, TimeoutError):
            return unavailable()
        if replay is None:
            return _unknown()
        if not may(replay, verb):
            return answer({"message": refusal(replay, verb)}, 409)
        return await self._told(command(name, verb), said.by, said.why, 200)

    async def _told(self, done: Operation, by: str, why: str, status: int) -> Response:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._recorder.tell(done, by, why)
        except (KafkaError, TimeoutError):
            return unavailable()
        return await self._answer(getattr(done, "replay"), status)  # noqa: B009 - each that is said here has one

    async def _answer(self, name: str, status: int = 200) -> Response:
        try:
            replay = (await self._book()).replays.get(name)
        except (KafkaError, TimeoutError):
            return unavailable()
        headers = {"Location": f"/api/replays/{name}"} if status == 202 else None  # noqa: PLR2004 - HTTP's
        return _unknown() if replay is None else answer(shown(replay), status, headers)

    async def _book(self) -> Book:
        async with asyncio.timeout(PATIENCE), self._reading:
            if self._follower is None:
                opening = Follower.open(self._settings.kafka_url)
                self._follower = await self._stack.enter_async_context(opening)
            return await self._follower.catch_up()


def order(asked: Asked, settings: Settings) -> Order:
    """What was asked for as it goes on record. Raises `Wrong`."""
    faults: dict[str, str] = {}
    try:
        parse(asked.into)
    except Refused as error:
        faults["into"] = str(error)
    for field, given, known in (("types", asked.types, TYPES), ("statuses", asked.statuses, STATUSES)):
        if unknown := set(given) - set(known):
            faults[field] = f"must be of {', '.join(known)}, got {', '.join(sorted(unknown))}"
    if faults:
        raise Wrong(faults)
    return Order(selection(asked, settings), asked.into, asked.rate, asked.preview)


def selection(asked: Asked, settings: Settings) -> Selection:
    """Whose events: the recipient goes by the key of their records."""
    secret = settings.recipient_secret.get_secret_value()
    key = None if asked.recipient is None else recipient_key(asked.recipient, secret)
    return Selection(asked.since, asked.until, key, asked.notification, asked.types, asked.statuses)


async def _body(request: Request, type_: type[BodyT]) -> BodyT:
    raw = await request.body()
    if len(raw) > MAX_BODY:
        _refuse(f"must not have more than {MAX_BODY} bytes")
    try:
        return msgspec.json.decode(raw or b"{}", type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse(str(error))


def _refuse(fault: str) -> NoReturn:
    raise Wrong({"body": fault})


def _unknown() -> Response:
    return answer({"message": "Replay not found"}, 404)
