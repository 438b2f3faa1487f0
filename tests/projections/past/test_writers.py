"""Two writers of one partition, each step of one between any of the other, and either cut off: the past stays right."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from projections.mongo.errors import Conflict
from projections.mongo.positions import Positions, Track
from projections.past import history, tallies
from projections.past.fold import PastProjector
from projections.past.history import History, since_1970, standing_at
from projections.past.store import PastStore
from projections.position import Document, Position
from projections.writes import Update, Writes
from streams.topics import EVENTS
from tests.projections.lives import OUTCOMES, Events, accepted, items, life, shuffled
from tests.projections.past.taken import raws
from tests.projections.past.test_history import fold

PLACE = TopicPartition(EVENTS, 0)


class CutOff(Exception):
    """A writer died."""


@dataclass
class Shared:
    """As `PastStore` and where its position is, in memory; at each step others may come in, or the writer may end."""

    chance: random.Random
    documents: dict[str, Document] = field(default_factory=dict)
    position: Position = field(default_factory=Position)
    name: str = history.PROJECTION

    async def step(self) -> None:
        for _ in range(self.chance.randint(0, 3)):
            await asyncio.sleep(0)
        if self.chance.random() < 0.01:
            raise CutOff

    async def read(self, _: Collection[int]) -> dict[Track, Position]:
        await self.step()
        return {Track(self.name, 0): self.position}

    async def histories(self, subjects: Iterable[str]) -> dict[str, History]:
        await self.step()
        return {name: history.restored(self.documents[name]) for name in subjects if name in self.documents}

    async def sums(self, names: Iterable[str]) -> dict[str, Document]:
        await self.step()
        return {name: self.documents[name] for name in names if name in self.documents}

    async def write(self, sums: Writes, before: Mapping[str, History], after: Mapping[str, History]) -> None:
        born = [history.document(one) for name, one in after.items() if name not in before]
        moved = [
            Update(name, {"offset": before[name].offset}, history.changes(after[name]))
            for name in before.keys() & after
        ]
        for documents, updates in ((sums.documents, []), ([], sums.updates), (born, []), ([], moved)):
            held = [await self.insert(one) for one in documents] + [await self.update(one) for one in updates]
            if not all(held):
                raise Conflict

    async def insert(self, document: Document) -> bool:
        await self.step()
        return self.documents.setdefault(document["_id"], document) is document

    async def update(self, update: Update) -> bool:
        await self.step()
        if not update.unmoved.items() <= self.documents[update.id].items():
            return False
        self.documents[update.id] = self.documents[update.id] | update.changes
        return True

    async def move(self, old: Mapping[Track, Position], new: Mapping[Track, Position]) -> None:
        await self.step()
        for track, moved in new.items():
            if self.position.unmoved() != old[track].unmoved() or moved == self.position:  # as MongoDB counts
                raise Conflict
            self.position = moved


async def test_a_copy_that_is_ahead_stays_where_it_is_until_the_others_are_there_too() -> None:
    log = life(accepted("n", 0), "sent")
    shared = Shared(random.Random(0))
    projector = PastProjector(cast("PastStore", shared), Positions(shared))
    await projector.open([0])
    await projector.project(raws(log))
    ahead = shared.position
    for begin, end in ((0, 1), (1, len(log))):
        await projector.project(raws(log[begin:end], first=begin))
        assert shared.position == ahead
    assert projector.following() == {PLACE: len(log)}


async def write(shared: Shared, log: Events) -> None:
    """Takes all of it, beginning again from the position whenever something goes wrong."""
    projector = PastProjector(cast("PastStore", shared), Positions(shared))
    following = None
    while following is None or following < len(log):
        try:
            if following is None:
                following = (await projector.open([0]))[PLACE]
            else:
                end = following + shared.chance.randint(1, 12)
                await projector.project(raws(log[following:end], first=following))
                following = projector.following()[PLACE]
        except (Conflict, CutOff):
            following = None


async def both(shared: Shared, log: Events) -> None:
    await asyncio.gather(write(shared, log), write(shared, log))


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=5), st.integers(0, 10**6))
def test_whatever_two_writers_do_to_each_other_the_past_is_right(outcomes: list[str], seed: int) -> None:
    chance = random.Random(seed)
    log = shuffled((life(accepted(f"n{number}", number), each) for number, each in enumerate(outcomes)), seed)
    late = chance.sample(range(len(log)), len(log) // 5)
    log = [one for number, one in enumerate(log) if number not in late] + [log[number] for number in late]
    shared = Shared(chance)
    asyncio.run(both(shared, log))
    stories = {name: history.restored(one) for name, one in shared.documents.items() if "told" in one}
    sums = [one for one in shared.documents.values() if "span" in one]
    moved: dict[int, dict[str, str]] = defaultdict(dict)
    for name, story in stories.items():
        own = [each for each in items(log) if each.event.notification == name]
        for time in {since_1970(each.event.time) for each in own}:
            standing = fold([each for each in own if since_1970(each.event.time) <= time])
            assert (standing and standing.status) == ((then := standing_at(story, time)) and then.status)
            if standing:
                moved[time][name] = standing.status
    statuses: dict[str, str] = {}
    for time in sorted({since_1970(one.time) for one in log}):
        statuses |= moved[time]
        ranges = tallies.ranges(time)
        inside = [
            one for one in sums if any(one["span"] == span and low <= one["start"] < high for span, low, high in ranges)
        ]
        assert tallies.total(inside, time) == Counter(statuses.values())
