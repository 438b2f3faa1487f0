"""How fast a long log is folded into read models: the fold by itself, and with the database that has to take it."""

import asyncio
import gc
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from aiokafka import TopicPartition
from rich.table import Column, Table

from deploy.bench import history
from deploy.bench.measure import own_cpu, usage
from deploy.declare import declare
from deploy.stack.stack import Stack
from projections.identity import log_identity
from projections.mongo.connection import database
from projections.mongo.positions import Positions, Track
from projections.position import Document, LogIdentity, Position
from projections.present.jobs import Standing
from projections.present.projector import PresentProjector
from projections.present.store import OWN_NAMES, Store
from projections.processes import GARBAGE
from projections.rebuild.folding import Fold, Silent, Task, fold_history
from projections.schema import make
from projections.writes import Update
from streams.kafka.offsets import opened
from streams.settings import Settings
from streams.topics import EVENTS

COPIES = {name: f"{name}_2" for name in OWN_NAMES}


class Nowhere(Store):
    """A database that takes everything at once and keeps nothing."""

    def __init__(self) -> None:
        self.names = OWN_NAMES

    async def read(self, partitions: Collection[int]) -> dict[Track, Position]:
        """Nothing was folded."""
        return {Track(name, partition): Position() for name in self.names for partition in partitions}

    async def move(self, old: Mapping[Track, Position], new: Mapping[Track, Position]) -> None:
        """Thank you."""

    async def standings(self, notifications: Sequence[str]) -> dict[str, Standing]:  # noqa: ARG002
        """Nothing is stored."""
        return {}

    async def write(self, documents: list[Document], updates: list[Update], entries: list[Document]) -> None:
        """Likewise."""

    async def prefer(self, documents: list[Document]) -> None:
        """Likewise."""


def measure_rebuild(settings: Settings, stack: Stack, events: int) -> Table:
    """A history of so many events, folded by as many processes as there are cores."""
    asyncio.run(declare(settings))
    made = asyncio.run(history.write(settings, events, lambda _: None))
    ends, identity = asyncio.run(_prepared(settings))
    table = Table("", Column(overflow="fold"), title=f"fold of {made:,} events", show_header=False)
    for what, work in (
        ("the fold alone", lambda: _fold_nowhere(settings, ends)),
        ("with the database", lambda: _fold_into(Task(settings, COPIES, identity, ends))),
    ):
        for name, cost in _measured(stack, work, made).items():
            table.add_row(f"{what}: {name}", cost)
    return table


def _measured(stack: Stack, work: Callable[[], None], events: int) -> dict[str, str]:
    servers, cpu, began = usage(stack.supervision.states()), own_cpu(), time.perf_counter()
    work()
    seconds, own = time.perf_counter() - began, own_cpu() - cpu
    after = usage(stack.supervision.states())
    spent = {name: after[name].cpu - servers[name].cpu for name in ("kafka", "mongo")}
    costs = {name: f"{used:.1f} s, {used / events * 1e6:.0f} us an event" for name, used in spent.items()}
    return {
        "events/s": f"{events / seconds:,.0f} ({seconds:.1f} s)",
        "CPU of our processes": f"{own:.1f} s, {own / events * 1e6:.0f} us an event",
        **{f"CPU of {name}": cost for name, cost in costs.items()},
    }


async def _prepared(settings: Settings) -> tuple[dict[TopicPartition, int], LogIdentity]:
    async with database(settings, patience=10) as base:
        for projection, name in COPIES.items():
            await make(base, projection, name)
    async with opened(settings.kafka_url) as offsets:
        places = [TopicPartition(EVENTS, number) for number in range(settings.partitions)]
        extents = await offsets.extents(places)
    return {place: extents[place].end for place in places}, await log_identity(settings.kafka_url, EVENTS)


def _fold_into(task: Task) -> None:
    asyncio.run(fold_history(task, lambda _: None))


def _fold_nowhere(settings: Settings, ends: Mapping[TopicPartition, int]) -> None:
    cores = min(os.cpu_count() or 1, len(ends))
    parts = [dict(list(ends.items())[number::cores]) for number in range(cores)]
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        list(pool.map(_part_nowhere, [settings.kafka_url] * cores, parts))


def _part_nowhere(url: str, ends: dict[TopicPartition, int]) -> None:
    gc.set_threshold(GARBAGE)
    nowhere = Nowhere()
    projector = PresentProjector(nowhere, Positions(nowhere), Silent(), fresh=True)
    fold = Fold(url, projector, ends.keys())
    asyncio.run(fold.run(ends))
