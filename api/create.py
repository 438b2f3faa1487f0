"""What each of the `ways` in does: a request in; a confirmed message, what Redis is to remember, and an answer out."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, assert_never
from uuid import uuid4

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.backlog import Backlog
from api.idempotency import VALID_KEY, Answered, Busy, Idempotency, OtherBody, Reserved
from api.outbox import BLOCKED, Outbox, Unavailable
from api.pending import Pending
from api.redis_pipe import Away, Command, Pipe
from api.room import Full, Room
from api.ways import Body, Way
from streams import clock
from streams.content_type import JSON, not_json
from streams.events import DEFAULT_TENANT
from streams.intake.bodies import Fault, Invalid, NotAnObject
from streams.settings import Settings

RETRY_SOON = {"Retry-After": "1"}
"""Seconds."""
RETRY_LATER = {"Retry-After": "10"}
"""Until memory or disk is free again."""
BODY_TIMEOUT = 10.0
"""Seconds in which a client has to have sent its body."""
KEY_HEADER = "Idempotency-Key"
NO_PARAMETER = "is not known here, where there are no parameters: what is wanted goes into the body"
UNAVAILABLE = 503


class Refusal(Exception):
    """Any answer but the good one."""

    def __init__(
        self, status: int, message: str, faults: tuple[Fault, ...] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.faults, self.headers = status, faults, headers

    def response(self, way: Way) -> Response:
        """As JSON: `message`, and `details` for each faulty field."""
        status, message = (
            way.unavailable if way.unavailable and self.status == UNAVAILABLE else (self.status, str(self))
        )
        content: dict[str, object] = {"message": message}
        if self.faults:
            content["details"] = [fault._asdict() for fault in self.faults]
        return Response(msgspec.json.encode(content), status, self.headers, JSON)


class Asked(NamedTuple):
    """A request that was checked."""

    way: Way
    raw: bytes
    body: Body


class Creation:
    """Takes notifications: what a request to do so goes through, whichever way it comes."""

    def __init__(self, settings: Settings, outbox: Outbox, pipe: Pipe, backlog: Backlog) -> None:
        self._limit, self._max_attempts = settings.max_request_bytes, settings.max_attempts
        self._outbox, self._pipe, self._backlog, self._room = outbox, pipe, backlog, Room()
        self._pending = Pending(settings.max_attempts, settings.pending_kept)
        self._idempotency = Idempotency(pipe, settings.idempotency_kept, settings.idempotency_lease)

    def by(self, way: Way) -> Callable[[Request], Awaitable[Response]]:
        """What answers requests that come this way: well once RabbitMQ has it, else why not."""

        async def answer(request: Request) -> Response:
            try:
                self._refuse_overload()
                with self._room.taken(expected_size(request, self._limit)):
                    return await self._create(request, way)
            except Full:
                message = "not accepted, since too many requests come at once: try again"
                return Refusal(UNAVAILABLE, message, headers=RETRY_SOON).response(way)
            except Refusal as refusal:
                return refusal.response(way)
            except ClientDisconnect:
                return Response(status_code=400)  # to nobody

        return answer

    def _refuse_overload(self) -> None:
        """Costs next to nothing, and comes before the body is read."""
        pressure = self._backlog.pressure
        if pressure.refusing:
            headers = {"Retry-After": str(pressure.retry_after())}
            message = "not accepted, since too many notifications wait already: try again"
            raise Refusal(UNAVAILABLE, message, headers=headers)
        if self._outbox.blocked:
            message = f"not accepted, since {BLOCKED}: try again"
            raise Refusal(UNAVAILABLE, message, headers=RETRY_LATER)

    async def _create(self, request: Request, way: Way) -> Response:
        if request.scope["query_string"] and (
            faults := tuple(Fault(name, NO_PARAMETER) for name in request.query_params)
        ):
            raise Refusal(400, "; ".join(f"{name} {why}" for name, why in faults), faults)
        wrong = not_json(request.headers.get("content-type", ""))
        if wrong and expected_size(request, self._limit):  # where nothing is sent, that is what is wrong
            raise Refusal(415, wrong)
        raw = await read(request, self._limit)
        asked = Asked(way, raw, check(way, raw))
        key = request.headers.get(KEY_HEADER)
        if key is None:
            return await self._accept(str(uuid4()), clock.now(), asked, None)
        return await self._accept_once(key, asked)

    async def _accept_once(self, key: str, asked: Asked) -> Response:
        if not VALID_KEY.fullmatch(key):
            raise Refusal(400, f"{KEY_HEADER} must be 1 to 255 printable ASCII characters")
        outcome = await self._idempotency.reserve(DEFAULT_TENANT, asked.way.scope + key, asked.raw, clock.now())
        match outcome:
            case Reserved():
                return await self._accept(outcome.notification, outcome.created, asked, outcome)
            case Answered():
                replayed = {"Idempotency-Replayed": "true"}
                return accepted(outcome.notification, asked.way, outcome.answer, replayed)
            case Busy():
                raise Refusal(409, f"a request with this {KEY_HEADER} is being worked on", headers=RETRY_SOON)
            case OtherBody():
                raise Refusal(422, f"this {KEY_HEADER} was used with another body: take a new key for a new request")
            case _:
                assert_never(outcome)

    async def _accept(self, notification: str, at: datetime, asked: Asked, reserved: Reserved | None) -> Response:
        try:
            await self._outbox.publish(asked.way.queue, notification, at, asked.raw)
        except Unavailable as error:
            if reserved:
                await self._remember(self._idempotency.release(reserved))
            raise Refusal(UNAVAILABLE, advice(error, keyed=reserved is not None), headers=RETRY_SOON) from error
        answer = msgspec.json.encode(asked.way.answer(notification, at, self._max_attempts))
        commands = self._pending.commands(notification, asked.body, at, clock.now())
        if reserved:
            commands += self._idempotency.finish(reserved, answer)
        await self._remember(commands)
        return accepted(notification, asked.way, answer)

    async def _remember(self, commands: list[Command]) -> None:
        with suppress(Away):
            await self._pipe.do(*commands)


def expected_size(request: Request, limit: int) -> int:
    """Bytes the body may have: what it claims, or the most if it claims nothing. Raises a 413 for too large a claim."""
    size = int(request.headers.get("content-length", limit if "transfer-encoding" in request.headers else 0))
    if size > limit:
        raise too_large(limit)
    return size


async def read(request: Request, limit: int) -> bytes:
    """The body, of which never more than `limit` bytes are kept. Raises the 413 or 408 it deserves."""
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                chunks.append(chunk)
    except TimeoutError as error:
        message = f"the body must be sent within {BODY_TIMEOUT:g} s"
        raise Refusal(408, message, headers={"Connection": "close"}) from error
    return b"".join(chunks)


def too_large(limit: int) -> Refusal:
    """The 413."""
    return Refusal(413, f"the body must not have more than {limit} bytes")


def check(way: Way, raw: bytes) -> Body:
    """The body's fields, or the 400 that tells about each faulty one."""
    try:
        return way.check(raw)
    except NotAnObject as error:
        raise Refusal(400, str(error)) from error
    except Invalid as error:
        raise Refusal(400, str(error), error.faults) from error


def accepted(notification: str, way: Way, answer: bytes, headers: dict[str, str] | None = None) -> Response:
    """The good answer."""
    return Response(answer, way.status, {"Location": f"/api/notifications/{notification}", **(headers or {})}, JSON)


def advice(error: Unavailable, *, keyed: bool) -> str:
    """What a client is told when RabbitMQ did not confirm."""
    if not error.unknown:
        return f"not accepted, since {error}: try again"
    if keyed:
        return f"{error}: it may have been taken; to try again with the same {KEY_HEADER} is safe"
    return f"{error}: it may have been taken, so to try again may deliver it twice; with an {KEY_HEADER} that is safe"
