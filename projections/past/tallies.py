"""Read model StatusTally: steps of notifications in and out of a status, summed by day, hour, minute and second. Pure.

The counts at a time are the sum of all steps up to it: of the days before, of the hours before on that day, and so on,
and within the second of its single steps. So they are exact to the millisecond, an answer reads at most 23 hours, 59
minutes and 60 seconds beside the days, and a step that comes late changes four sums and no more.

Each sum keeps the offset of the last event of its partition that it has taken in, and takes none twice.
"""

import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from projections.past.history import Step
from projections.position import Document
from projections.writes import Update, Writes

PROJECTION = "StatusTally"
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
"""Milliseconds."""
SPANS = (DAY, HOUR, MINUTE, SECOND)


class Range(NamedTuple):
    """Sums of one span that begin from `low` on and before `high`, in milliseconds since 1970."""

    span: int
    low: int
    high: int


def touched(partition: int, steps: Iterable[Step]) -> dict[str, list[Step]]:
    """The sums that these steps belong to, by id."""
    seconds = defaultdict[int, list[Step]](list)
    for step in steps:
        seconds[step.time // SECOND * SECOND].append(step)
    found = defaultdict[str, list[Step]](list)
    for second, some in seconds.items():
        for span in SPANS:
            found[name(span, partition, second - second % span)] += some
    return {key: sorted(some) for key, some in found.items()}


def name(span: int, partition: int, start: int) -> str:
    """The `_id` of a sum."""
    return f"{span}:{partition}:{start}"


def fold(wanted: Mapping[str, list[Step]], known: Mapping[str, Document]) -> Writes:
    """The writes for steps in log order, by the sums that they belong to."""
    writes = Writes()
    for key, steps in wanted.items():
        old = known.get(key)
        fresh = steps if old is None else [step for step in steps if step.offset > old["offset"]]
        if not fresh:
            continue
        span, partition, start = map(int, key.split(":"))
        moved = _moved(old or {"counts": {}, "steps": {}}, span, start, fresh)
        if old is None:
            writes.documents.append({"_id": key, "span": span, "partition": partition, "start": start, **moved})
        else:
            writes.updates.append(Update(key, {"offset": old["offset"]}, moved))
    return writes


def ranges(time: int) -> list[Range]:
    """The sums that the counts at that time are made of; the last one holds the second that the time lies in."""
    starts = [0, *(time - time % span for span in SPANS)]
    whole = [Range(span, low, high) for span, (low, high) in zip(SPANS, pairwise(starts), strict=True)]
    return [*whole, Range(SECOND, starts[-1], starts[-1] + 1)]


def total(sums: Iterable[Document], time: int) -> dict[str, int]:
    """The counts at that time, of the sums in its `ranges`."""
    counts = Counter[str]()
    for one in sums:
        if one["span"] == SECOND and one["start"] + SECOND > time:
            for status, packed in one["steps"].items():
                counts[status] += sum(change for late, change in _unpacked(packed) if one["start"] + late <= time)
        else:
            counts.update(one["counts"])
    return {status: count for status, count in counts.items() if count}


def first(second: Document) -> int:
    """The time of the first step in a second, in milliseconds since 1970."""
    return int(second["start"]) + min(late for packed in second["steps"].values() for late, _ in _unpacked(packed))


def _moved(old: Document, span: int, start: int, steps: list[Step]) -> Document:
    counts, late = Counter[str](old["counts"]), defaultdict[str, list[int]](list)
    for _, time, status, change in steps:
        counts[status] += change
        if span == SECOND:
            late[status] += [(time - start + 1) * (1 if change > 0 else -1)] * abs(change)
    moved = {"offset": steps[-1].offset, "counts": {status: count for status, count in counts.items() if count}}
    if span != SECOND:
        return moved
    packed = {status: struct.pack(f"<{len(some)}h", *some) for status, some in late.items()}
    known = old.get("steps", {})
    return moved | {"steps": known | {status: known.get(status, b"") + some for status, some in packed.items()}}


def _unpacked(packed: bytes) -> Iterator[tuple[int, int]]:
    """Two bytes a step: the millisecond of its second from 1 to 1000, negative for a notification that left."""
    for (code,) in struct.iter_unpack("<h", packed):
        yield abs(code) - 1, 1 if code > 0 else -1
