"""Replays over HTTP: asked for, shown, paused, resumed and cancelled; `projections.replay` does the work.

What is said here goes to `notification-operations`, with who wants it and why, and what is shown is read back from it.
"""

from typing import TypeVar
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer, unknown
from gateway.bodies import decoded
from gateway.clients import KAFKA_PATIENCE, Clients
from gateway.query import Wrong
from gateway.replays import documents
from gateway.replays.bodies import Asked, Said, order
from gateway.replays.documents import ID
from gateway.routes import Route, routed
from projections.replay.book import Verb, command, may, refusal, shown
from streams import clock, operations
from streams.operations import Operation, ReplayRequested

SOURCE = "gateway"
MAX_BODY = 16 * 1024
BodyT = TypeVar("BodyT", Asked, Said)


def router(clients: Clients) -> APIRouter:
    """What is asked and wanted."""
    desk, start = ReplaysDesk(clients), "Tell events of the log again, to a handler of yours"
    said = documents.SAID, [ID], documents.WORDS
    return routed(
        "/api/replays",
        "replays",
        Route("GET", "", desk.replays, "All replays", documents.LIST),
        Route("POST", "", desk.start, start, documents.STARTED, body=documents.REQUEST, status=202),
        Route("GET", "/{id}", desk.replay, "One replay", documents.REPLAY, [ID]),
        Route("POST", "/{id}/pause", desk.pause, "Have a replay wait", *said),
        Route("POST", "/{id}/resume", desk.resume, "Have a replay go on, or a preview begin", *said),
        Route("POST", "/{id}/cancel", desk.cancel, "End a replay where it is", *said),
    )


class ReplaysDesk:
    """Writes to the record of operations, and reads it back."""

    def __init__(self, clients: Clients) -> None:
        self._settings, self._publisher = clients.settings, clients.publisher
        self._book = clients.operations.caught_up

    async def replays(self, _: Request) -> Response:
        """All there are, newest first."""
        return answer([shown(replay) for replay in reversed((await self._book()).replays.values())])

    async def replay(self, request: Request) -> Response:
        """One."""
        return await self._answer(request.path_params["id"])

    async def start(self, request: Request) -> Response:
        """Ask for one; 202 with what it is about to be."""
        asked = await _body(request, Asked)
        name = uuid4().hex[:12]
        if asked.into == "stdout":
            raise Wrong({"into": "must be a collection, a topic or a webhook: stdout is of ./tidings replay start"})
        await self._tell(ReplayRequested(name, order(asked, self._settings)), asked)
        return await self._answer(name, 202, {"Location": f"/api/replays/{name}"})

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
        replay = (await self._book()).replays.get(name)
        if replay is None:
            return unknown("Replay")
        if not may(replay, verb):
            return answer({"message": refusal(replay, verb)}, 409)
        await self._tell(command(name, verb), said)
        return await self._answer(name)

    async def _tell(self, done: Operation, said: Asked | Said) -> None:
        event = operations.Event(done, clock.now(), SOURCE, said.by, said.why)
        await self._publisher.publish([operations.to_record(event)], within=KAFKA_PATIENCE)

    async def _answer(self, name: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        replay = (await self._book()).replays.get(name)
        return unknown("Replay") if replay is None else answer(shown(replay), status, headers)


async def _body(request: Request, kind: type[BodyT]) -> BodyT:
    return decoded(await request.body() or b"{}", kind, MAX_BODY)
