"""Two writers of one partition, each step of either between any two of the other: nothing they leave is wrong."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.position import Document, Position
from projections.present.batch import fold, moving
from projections.present.jobs import READ, Standing, restored
from projections.reading import Item
from projections.writes import Update
from tests.projections.present.test_batch import LIVES, log_of, straight

MOST_STEPS = 400


@dataclass
class Shared:
    """What both write to: each method is one step, as the database takes it."""

    documents: dict[str, Document] = field(default_factory=dict)
    position: Position = field(default_factory=Position)

    def take_over(self) -> Position:
        self.position = replace(self.position, epoch=(self.position.epoch or 0) + 1)
        return self.position

    def standings(self, names: set[str]) -> dict[str, Standing]:
        there = names & self.documents.keys()
        return {name: restored({field: self.documents[name].get(field) for field in ("_id", *READ)}) for name in there}

    def insert(self, document: Document) -> bool:
        return self.documents.setdefault(document["_id"], document) is document

    def update(self, update: Update) -> bool:
        document = self.documents[update.id]
        unmoved = {f"fold.{name}": document["fold"][name] for name in ("position", "epoch")} == update.unmoved
        if unmoved:
            self.documents[update.id] = document | update.changes
        return unmoved

    def advance(self, old: Position, new: Position) -> bool:
        unmoved = self.position == old
        if unmoved:
            self.position = new
        return unmoved


@dataclass
class Writer:
    """As `projections.present.projector` works; pauses wherever another may come in between."""

    shared: Shared
    log: list[Item]
    chance: random.Random

    def work(self) -> Iterator[None]:
        while self.shared.position.offset + 1 < len(self.log):
            yield from self._from_the_stored_position()

    def _from_the_stored_position(self) -> Iterator[None]:
        position, held = self.shared.take_over(), dict[str, Standing]()
        yield
        while batch := self.log[position.offset + 1 :][: self.chance.randint(1, 8)]:
            items = moving(batch, {0: position})
            touched = {item.event.notification for item in items}
            known = {name: held[name] for name in touched & held.keys()}
            found = self.shared.standings(touched - held.keys())
            yield
            if any((standing.epoch or 0) > (position.epoch or 0) for standing in found.values()):
                return
            reached = batch[-1].place.offset
            writes = fold(items, known | found, {0: position}, {0: reached})
            todo: list[Update | Document] = [*writes.documents, *writes.updates]
            self.chance.shuffle(todo)
            took = []
            for write in todo:
                took.append(self.shared.update(write) if isinstance(write, Update) else self.shared.insert(write))
                yield
            counts = Counter(position.counts)
            counts.update(writes.counts.get(0, {}))
            new = replace(position, offset=reached, counts=dict(counts))
            if not all(took) or not self.shared.advance(position, new):
                return
            position = new
            held |= writes.standings
            yield


@given(LIVES, st.randoms(use_true_random=True))
def test_two_writers_at_once_leave_documents_and_counters_exact(outcomes: list[str], chance: random.Random) -> None:
    log = log_of(outcomes, chance.randrange(99))
    shared = Shared()
    writers = [Writer(shared, log, chance).work() for _ in range(2)]
    for _ in range(MOST_STEPS):
        next(chance.choice(writers), None)
    for _ in Writer(shared, log, chance).work():
        """To the end, alone."""
    assert {name: one["status"] for name, one in shared.documents.items()} == {
        name: one["status"] for name, one in straight(log).documents.items()
    }
    assert +Counter(shared.position.counts) == Counter(one["status"] for one in shared.documents.values())
