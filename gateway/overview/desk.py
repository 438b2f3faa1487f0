"""`GET /api/overview`: notifications by status, open dead letters, and what waits in each lane and stage.

Kafka is asked by a task of its own, every 2 s, and only while somebody looks: an answer costs two small queries.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import OF_NOW, answer
from gateway.clients import Clients
from gateway.notifications.query import STATUSES
from gateway.overview import documents
from gateway.routes import Route, routed
from projections.letters.letters import TOPICS, counters
from projections.letters.reads import LetterReads
from projections.models import GROUPS
from projections.present.reads import Reads
from streams.background import running
from streams.health.lag import Lag
from streams.health.metrics import Reading
from streams.health.vitals import Following
from streams.topics import EVENTS, LANE_CLASSES, LANES, REQUESTS, deliver_group

LOOKED = 15.0
"""Seconds after the last request for which Kafka is still asked."""
ALONE = GROUPS["letters"]
"""A group that nobody joins: it only commits, to show its lag."""


def router(clients: Clients) -> APIRouter:
    """What is asked about all of it."""
    desk = OverviewDesk(clients)
    row = Route("GET", "/overview", desk.overview, "What is there, and what waits where", documents.OVERVIEW)
    return routed("/api", "live", row, lifespan=desk.open)


class OverviewDesk:
    """Answers while it is `open`."""

    def __init__(self, clients: Clients) -> None:
        self._reads, self._letters = Reads(clients.base), LetterReads(clients.base)
        self._asked = asyncio.Event()
        self._lag = Lag(clients.settings.kafka_url, clients.settings.partitions, FOLLOWED)

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """Looks at Kafka meanwhile, if somebody asks."""
        async with running(self._look()):
            yield

    async def overview(self, _: Request) -> Response:
        """All of it; `reading` is null as long as Kafka has not told."""
        self._asked.set()
        counts, letters = await asyncio.gather(self._reads.counts(), self._letters.counts())
        lag = self._lag
        told = {
            "counts": {status: counts.get(status, 0) for status in STATUSES},
            "letters": counters(letters)["states"]["open"],
            "reading": None if lag.away else reading(lag.readings()),
            "workers": {group: count for group, count in lag.members.items() if group != ALONE},
        }
        return answer(told, headers=OF_NOW)

    async def _look(self) -> None:
        """Asks Kafka while somebody looks, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            async with running(self._lag.run()):
                with suppress(TimeoutError):
                    while True:
                        await asyncio.wait_for(self._asked.wait(), LOOKED)
                        self._asked.clear()


def reading(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """What each group has before it, by topic: records of all partitions, and seconds for which the oldest waits."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for name, value, (group, topic, _) in readings:
        told = sums.setdefault((group, topic), {"group": group, "topic": topic, "records": 0, "seconds": 0.0})
        if name == "tidings_lag_records":
            told["records"] += int(value)
        else:
            told["seconds"] = max(told["seconds"], round(value, 1))
    return list(sums.values())


def _nothing() -> tuple[()]:
    """No partition of ours: the gateway only looks."""
    return ()


FOLLOWED = [
    Following("admit", (REQUESTS,), _nothing),
    Following("lifecycle", (EVENTS,), _nothing),
    Following(GROUPS["present"], (EVENTS,), _nothing),
    Following(GROUPS["past"], (EVENTS,), _nothing),
    Following(ALONE, TOPICS, _nothing),
    *(
        Following(deliver_group(name), tuple(lane for lane in LANES if lane.endswith(f".{name}")), _nothing)
        for name in LANE_CLASSES
    ),
]
