"""Read models that others add: a module of two pure functions in, a MongoDB document for each key out.

The setting `READ_MODELS` names the modules; `docs/how-to/add-a-projection.md` makes one. Workers share the log by its
partitions, so a key has a document in each partition that tells of it: no two workers ever write the same one, and who
reads adds up. A document keeps the offset of the last event that it has taken in, and takes none twice.

A collection and a group are of one version of a model: with a higher one it is folded anew from the log's beginning,
beside the old one, which a program of that version may go on with.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, cast

from aiokafka import TopicPartition

from projections.loop import Context, Loop, Pace
from projections.loop import opened as opened_loop
from projections.models import READ_MODELS
from projections.mongo.connection import Database, answered, by_id, database, durable
from projections.mongo.positions import Positioned, Positions, StoredPositions, Track
from projections.mongo.writing import insert, replace_all
from projections.position import Document, LogIdentity, Position
from projections.reading import Item, Raw, sort_out
from projections.source import LogSource
from projections.writes import Update
from streams.events import Body, Event
from streams.exits import Refused
from streams.named import module
from streams.settings import Settings

MEMBERS = ("PROJECTION", "VERSION", "key", "evolve")
OWN = frozenset({"_id", "key", "partition", "offset"})
"""The fields of a document that are not the model's."""
PAGE = "docs/how-to/add-a-projection.md"
PATIENCE = 10.0
"""Seconds."""
PACE = Pace(window=1.0, batch=2000)


class Model(Protocol):
    """What `READ_MODELS` names."""

    PROJECTION: str
    VERSION: int

    def key(self, event: Event[Body]) -> str | None:
        """What the document is about that this event changes; None if it changes none."""

    def evolve(self, known: Document, event: Event[Body]) -> Document:
        """The fields that the document has after this event; `known` is empty before the first."""


def models(settings: Settings) -> list[Model]:
    """Those that the settings name. Raises `Refused` if one is none, or has the name of another read model."""
    found = [cast("Model", module("READ_MODELS", name, MEMBERS, PAGE)) for name in settings.read_models]
    taken = {part for model in READ_MODELS.values() for part in model.parts}
    for model in found:
        if model.PROJECTION in taken:
            raise Refused(f"READ_MODELS names two read models called {model.PROJECTION}: each needs a name of its own")
        taken.add(model.PROJECTION)
    return found


def name(model: Model) -> str:
    """Of its collection, its positions and its group."""
    return f"{model.PROJECTION}_{model.VERSION}"


async def declare(settings: Settings) -> None:
    """Make the collections that are missing: see `schema.declare`."""
    async with database(settings, patience=PATIENCE) as base:
        for model in models(settings):
            with answered():
                await base[name(model)].create_index("key")


@asynccontextmanager
async def opened(context: Context, identity: LogIdentity) -> AsyncIterator[list[Loop]]:
    """A loop for each model, connected and ready to work."""
    async with AsyncExitStack() as stack:
        loops = []
        for model in models(context.settings):
            source = LogSource(name(model), context.settings, context.publisher)
            projector = KeyedProjector(context.base, model, identity)
            loops.append(await stack.enter_async_context(opened_loop(context, source, projector, PACE)))
        yield loops


class KeyedProjector(Positioned[Position]):
    """Takes records of the log, in order per partition, into the documents of one model; knows what is stored."""

    def __init__(self, base: Database, model: Model, identity: LogIdentity) -> None:
        self._model, self._name = model, name(model)
        super().__init__(Positions(StoredPositions(base, {self._name: model.VERSION}, identity, Position)))
        self._documents = durable(base, self._name)
        self.written = self.opened = self.skipped = 0
        self.hindered = ""

    async def changed(self) -> bool:
        """Never: it has no copies."""
        return False

    async def open(self, partitions: Sequence[int]) -> dict[TopicPartition, int]:
        """The first offset to take, by partition. Raises `Refused` if the documents are of another log."""
        self.opened += 1
        await self._positions.open(partitions)
        return self.following()

    async def project(self, records: Sequence[Raw]) -> list[str]:
        """Store what these lead to: documents, then positions. Answers nobody. Raises `Conflict` or `Unavailable`."""
        whole = sort_out(records)
        touched = self._touched(whole.items)
        before = await by_id(self._documents, touched)
        after = {about: self._evolved(before.get(about), items) for about, items in touched.items()}
        moved = {  # without what stays as it is: an update that changes nothing is a `Conflict`
            about: fields
            for about, fields in after.items()
            if about in before and {"_id": about, **fields} != before[about]
        }
        with answered():
            await insert(self._documents, [{"_id": about, **after[about]} for about in after if about not in before])
            await replace_all(
                self._documents,
                [Update(about, {"offset": before[about]["offset"]}, fields) for about, fields in moved.items()],
            )
        old = self._positions.of(self._name)
        await self._positions.advance({Track(self._name, part): whole.moved(part, old[part]) for part in whole.reached})
        self.written += len(after)
        self.skipped += len(whole.unknown)
        return []

    def _touched(self, items: Iterable[Item]) -> dict[str, list[Item]]:
        """By the `_id` of the document that they change."""
        touched: dict[str, list[Item]] = {}
        for item in items:
            key = self._model.key(item.event)
            if key is not None:
                touched.setdefault(f"{item.place.partition}:{key}", []).append(item)
        return touched

    def _evolved(self, stored: Document | None, items: list[Item]) -> Document:
        """All fields but the `_id`."""
        known = {field: value for field, value in (stored or {}).items() if field not in OWN}
        offset = -1 if stored is None else stored["offset"]
        for event, place in items:
            if place.offset > offset:
                known, offset = self._model.evolve(known, event), place.offset
        first = items[0]
        return known | {"key": self._model.key(first.event), "partition": first.place.partition, "offset": offset}
