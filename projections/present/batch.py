"""A batch of events in, the writes to NotificationJob out: one a document, however many events. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from projections.position import Position
from projections.present.jobs import Standing, changes, document, evolve
from projections.reading import Item
from projections.writes import Update, Writes
from streams.events import Accepted, Acknowledged, Suppressed
from streams.rules.phase import Status, rank


@dataclass(slots=True)
class JobWrites(Writes):
    """`counts` is to be added to the counters; `astray` are events of no known notification."""

    standings: dict[str, Standing] = field(default_factory=dict)
    counts: dict[int, Counter[str]] = field(default_factory=dict)
    astray: list[Item] = field(default_factory=list)


def moving(items: Iterable[Item], stored: Mapping[int, Position]) -> list[Item]:
    """The items that can move a notification and lie past the stored position of their partition."""
    return [
        item
        for item in items
        if item.place.offset > stored[item.place.partition].offset
        and (rank(item.event.body) is not None or isinstance(item.event.body, Suppressed | Acknowledged))
    ]


def fold(
    items: Iterable[Item], known: Mapping[str, Standing], stored: Mapping[int, Position], reached: Mapping[int, int]
) -> JobWrites:
    """The writes for `moving` items in log order, which take each partition from position `stored` to offset `reached`.

    `known` holds the standing of every notification among them that has one. One that an earlier epoch has taken past
    the position is written again, moved or not: whoever wrote it may still be at work, and must not get hold of it.
    """
    writes, births, moved = JobWrites(), dict[str, Item](), list[Standing]()
    for item in items:
        event, place = item
        before = writes.standings.get(event.notification) or known.get(event.notification)
        now = evolve(before, event, place) if before is None or before.partition == place.partition else None
        if now is None:
            writes.astray.append(item)
            continue
        if before is None:
            births[event.notification] = item
        writes.standings[event.notification] = now
    for notification, now in writes.standings.items():
        before, begin = known.get(notification), stored[now.partition]
        counted = before.counted_at(begin.offset) if before else None
        _count(writes.counts, now.partition, counted, now.counted_at(reached[now.partition]))
        if now is not before or (before.position > begin.offset and before.epoch != begin.epoch):
            moved.append(replace(now, counted=counted, epoch=begin.epoch))
            _write(writes, before, births.get(notification), moved[-1])
    writes.standings |= {standing.notification: standing for standing in moved}
    return writes


def _count(counts: dict[int, Counter[str]], partition: int, old: Status | None, new: Status | None) -> None:
    if old == new:
        return
    counter = counts.setdefault(partition, Counter())
    for status, change in ((old, -1), (new, 1)):
        if status is not None:
            counter[status] += change


def _write(writes: Writes, before: Standing | None, birth: Item | None, now: Standing) -> None:
    if before is not None:
        writes.updates.append(
            Update(now.notification, {"fold.position": before.position, "fold.epoch": before.epoch}, changes(now))
        )
        return
    assert birth is not None
    event, place = birth
    assert isinstance(event.body, Accepted | Suppressed)
    writes.documents.append(document(event, event.body, place, now))
