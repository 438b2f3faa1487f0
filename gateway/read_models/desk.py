"""`GET /api/read-models`: which copies of each read model there are, how far behind, and its last rebuild.

A rebuild is the work of a command (`./tidings rebuild`), which puts on record how far it is; here that is only read.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import OF_NOW, answer
from gateway.clients import Clients
from gateway.read_models import documents
from gateway.routes import Route, routed
from projections.copies.copies import Copy, Pointer
from projections.copies.places import folded_from, following
from projections.copies.pointers import Pointers
from projections.models import READ_MODELS
from projections.rebuild.gate import lag
from projections.rebuild.record import Rebuild, read
from streams import clock
from streams.clock import iso
from streams.kafka.offsets import Offsets, opened

KAFKA_WITHIN = 1.0
"""Seconds after which how far copies are behind is left out."""
SILENT = timedelta(seconds=15)
"""After which a rebuild that was running and has put nothing on record counts as killed; it writes every second."""

Ends = dict[TopicPartition, int]


def router(clients: Clients) -> APIRouter:
    """What is asked about them."""
    desk = ReadModelsDesk(clients)
    summary = "The copies of read models, and how far their rebuilds are"
    row = Route("GET", "/read-models", desk.read_models, summary, documents.READ_MODELS)
    return routed("/api", "live", row, lifespan=desk.open)


class ReadModelsDesk:
    """Answers while it is `open`."""

    def __init__(self, clients: Clients) -> None:
        self._settings, self._base = clients.settings, clients.base
        self._asking = asyncio.Lock()
        self._offsets: Offsets | None = None

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """A connection to Kafka is made when it is first needed."""
        async with AsyncExitStack() as self._stack:
            yield

    async def read_models(self, _: Request) -> Response:
        """All of them."""
        ends, pointers = await asyncio.gather(self._ends(), Pointers(self._base).read(READ_MODELS))
        rebuilds, now = await read(self._base), clock.now()
        told = [
            {
                "name": name,
                "copies": [await self._copy(pointer, copy, ends) for copy in pointer.copies],
                "rebuild": shown(rebuilds[name], now) if name in rebuilds else None,
            }
            for name, pointer in pointers.items()
        ]
        return answer(told, headers=OF_NOW)

    async def _copy(self, pointer: Pointer, copy: Copy, ends: Ends | None) -> dict[str, Any]:
        is_ = "live" if copy is pointer.live else "kept" if copy.served else "shadow"
        behind = None
        if ends is not None:
            own = folded_from(pointer.projection, self._settings.partitions)
            behind = lag({place: ends[place] for place in own}, await following(self._base, copy.name))
        return {"name": copy.name, "version": copy.version, "is": is_, "behind": behind}

    async def _ends(self) -> Ends | None:
        """Where the topics end; None if Kafka is away."""
        places = [place for name in READ_MODELS for place in folded_from(name, self._settings.partitions)]
        try:
            async with asyncio.timeout(KAFKA_WITHIN), self._asking:
                if self._offsets is None:
                    self._offsets = await self._stack.enter_async_context(opened(self._settings.kafka_url))
                extents = await self._offsets.extents(dict.fromkeys(places))
        except (KafkaError, TimeoutError, OSError):
            return None
        return {place: extent.end for place, extent in extents.items()}


def shown(rebuild: Rebuild, now: datetime) -> dict[str, Any]:
    """As it goes on the wire."""
    goes_on = rebuild.state in ("running", "asking")
    return {
        "state": "silent" if goes_on and now - rebuild.updated > SILENT else rebuild.state,
        "by": rebuild.by,
        "why": rebuild.why,
        "began": iso(rebuild.began),
        "updated": iso(rebuild.updated),
        "part": rebuild.part,
        "count": rebuild.count,
        "total": rebuild.total,
        "folded": msgspec.to_builtins(rebuild.folded),
        "compared": msgspec.to_builtins(rebuild.compared),
        "moved": rebuild.moved,
        "reasons": rebuild.reasons,
    }
