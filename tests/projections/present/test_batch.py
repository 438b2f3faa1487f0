"""Batches against a database that is a dict: whatever is cut off or comes again, it ends with the right contents."""

import random
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from projections.position import UNREAD, Document, Position
from projections.present.batch import JobWrites, fold, moving
from projections.present.jobs import READ, restored
from projections.reading import Item
from projections.writes import Update
from streams.events import Acknowledged, CameDue, Origin, Repeated, Sent
from tests.projections.lives import Events, accepted, event, items, life, shuffled, suppressed

LIVES = st.lists(st.text("sfdla", max_size=4), max_size=6)


class Crash(Exception):
    """In the middle of the writes."""


@dataclass
class Base:
    """One partition's documents, counters and position, with the store's guards and a crash to order."""

    documents: dict[str, Document] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    offset: int = UNREAD

    def take(self, batch: list[Item], lost_by: random.Random | None = None) -> JobWrites:
        """Stores a batch; with `lost_by` only some of its documents get written before it crashes."""
        stored, reached = {0: Position(self.offset)}, {0: batch[-1].place.offset}
        wanted = moving(batch, stored)
        known = {item.event.notification for item in wanted} & self.documents.keys()
        standings = {
            name: restored({"_id": name} | {f: v for f, v in self.documents[name].items() if f in READ})
            for name in known
        }
        writes = fold(wanted, standings, stored, reached)
        self._write(writes, lost_by)
        if lost_by:
            raise Crash
        self.counts.update(writes.counts.get(0, {}))
        self.offset = reached[0]
        return writes

    def _write(self, writes: JobWrites, lost_by: random.Random | None) -> None:
        for document in writes.documents:
            if lost_by is None or lost_by.random() < 0.5:
                assert document["_id"] not in self.documents
                self.documents[document["_id"]] = document
        for update in writes.updates:
            if lost_by is None or lost_by.random() < 0.5:
                assert self.unmoved(update)
                self.documents[update.id] |= update.changes

    def unmoved(self, update: Update) -> bool:
        fold = self.documents[update.id]["fold"]
        return {f"fold.{name}": fold[name] for name in ("position", "epoch")} == update.unmoved

    def plain(self) -> dict[str, Document]:
        """The documents without what depends on where batches ended."""
        return {
            name: document | {"fold": {**document["fold"], "counted": None, "epoch": None}}
            for name, document in self.documents.items()
        }

    def counted(self) -> Counter[str]:
        return Counter(document["status"] for document in self.documents.values())


def log_of(outcomes: list[str], seed: int) -> list[Item]:
    lives: list[Events] = []
    for number, each in enumerate(outcomes):
        name = f"n{number}"
        lives.append([suppressed(name)] if each == "a" else life(accepted(name), each))
    return items(shuffled(lives, seed))


def straight(log: list[Item]) -> Base:
    base = Base()
    if log:
        base.take(log)
    return base


def test_many_events_of_a_notification_are_one_write() -> None:
    writes = Base().take(items(life(accepted("n"), "fs")))
    assert [document["status"] for document in writes.documents] == ["sent"]
    assert not writes.updates


def test_an_update_holds_for_the_position_that_was_read() -> None:
    base, log = Base(), items(life(accepted("n"), "s"))
    base.take(log[:2])
    writes = base.take(log[2:])
    assert [(one.id, one.unmoved["fold.position"], one.changes["status"]) for one in writes.updates] == [
        ("n", 1, "sent")
    ]


def test_what_changes_nothing_is_not_written() -> None:
    base, told = Base(), life(accepted("n"), "s")
    base.take(items(told))
    writes = base.take(items([*told, event(CameDue(1, "deadline")), event(Repeated(Origin(0, 9)))], first=50))
    assert (writes.documents, writes.updates, writes.astray, base.counts) == ([], [], [], {"sent": 1})


def test_events_of_unknown_notifications_are_told() -> None:
    astray = items([event(Sent(1), "nobody"), event(Acknowledged(), "nobody")])
    assert Base().take([*astray, *items([accepted("n")], first=2)]).astray == astray


def test_a_notification_that_goes_on_in_another_partition_is_astray() -> None:
    here, there = items([accepted("n")]), items([event(Sent(1))], partition=1)
    writes = fold([*here, *there], {}, {0: Position(), 1: Position()}, {0: 0, 1: 0})
    assert (writes.astray, writes.documents[0]["status"]) == (there, "pending")


@given(LIVES, st.randoms(use_true_random=True))
def test_batches_of_any_size_lead_to_the_same_documents_and_counters(
    outcomes: list[str], chance: random.Random
) -> None:
    log = log_of(outcomes, chance.randrange(99))
    base, done = Base(), 0
    while done < len(log):
        size = chance.randint(1, 8)
        base.take(log[done : done + size])
        done += size
    assert base.plain() == straight(log).plain()
    assert +base.counts == base.counted() == +straight(log).counts


@given(LIVES, st.randoms(use_true_random=True))
def test_crashes_between_documents_and_position_leave_no_trace(outcomes: list[str], chance: random.Random) -> None:
    log = log_of(outcomes, chance.randrange(99))
    base = Base()
    while base.offset + 1 < len(log):
        batch = log[base.offset + 1 :][: chance.randint(1, 8)]
        try:
            base.take(batch, chance if chance.random() < 0.4 else None)
        except Crash:
            continue
    assert base.plain() == straight(log).plain()
    assert +base.counts == base.counted()
