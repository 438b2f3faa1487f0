"""Read model DeadLetter: letters and what was done about them in, one document a letter out. Pure.

Two topics are folded, in any order between them. A letter's document names the offsets of the last records of each
that it has taken, so whatever comes again changes nothing. The counters stay exact over a crash as those of
`present.jobs` do: a document that is ahead of the stored position counts as it did at that position, which it keeps as
`fold.counted`, and `fold.epoch` says in which taking over it was written.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Self, get_args

import msgspec
from msgspec.structs import replace

from projections import position
from projections.mongo.windows import since
from projections.position import UNREAD, Document
from projections.writes import Update, Writes
from streams.clock import milliseconds
from streams.letters.dead_letters import Report, unpacked
from streams.operations import Dropped, Event, Redriven
from streams.topics import DEAD_LETTERS, OPERATIONS

PROJECTION = "DeadLetter"
VERSION = 1
"""Of this fold; see `present.jobs.VERSION`."""
POSITION = f"{PROJECTION}:0"
"""The `_id` of the one position document."""
TOPICS = (DEAD_LETTERS, OPERATIONS)
FILTERS = {"reason": "reason", "stage": "stages", "source": "source.name", "state": "state"}
"""What lists can be filtered by, and the field it is in."""
PREVIEW = 1024
"""Bytes of an original that are shown."""
TOLD = 4000
"""Characters of an error, or of the words of who did something, that a document holds."""

LATEST = 0xFFFFFFFFFFF
"""Milliseconds: what a sequence has room for, the year 2527. Anybody may write a letter."""

UNWRITTEN = {"counted": None, "revision": 0, "epoch": None}

State = Literal["open", "redriven", "dropped"]
STATES: tuple[State, ...] = get_args(State)


class Item(NamedTuple):
    """One record: what it says of which letter, and where it lies."""

    letter: str
    topic: str
    offset: int
    told: Report | Event


class Position(position.Position, frozen=True):
    """How far both topics are folded: `offset` is the first's, `counts` are by kind, `revision` counts the writes."""

    offsets: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(TOPICS, UNREAD))
    revision: int = 0

    def unmoved(self) -> Document:
        """Of two that are at the same offset of the first topic, either may be further in the other."""
        return {"revision": self.revision}

    def taken_over(self) -> Self:
        """In an epoch of whoever takes it over."""
        return replace(self, revision=self.revision + 1, epoch=(self.epoch or 0) + 1)


@dataclass(slots=True)
class LetterWrites(Writes):
    """`counts` is to be added to the counters."""

    counts: Counter[str] = field(default_factory=Counter)


def fold(
    items: Iterable[Item], known: Mapping[str, Document], stored: Position, reached: Mapping[str, int]
) -> LetterWrites:
    """The writes for these items, which take the position from `stored` to the offsets `reached`.

    `known` holds the documents there are of the letters among them. As in `present.batch.fold`, those that an
    earlier epoch has taken past the position are written again.
    """
    writes, now = LetterWrites(), dict[str, Document]()
    for item in items:
        now[item.letter] = evolve(now.get(item.letter) or known.get(item.letter), item)
    for letter, evolved in now.items():
        before, document = known.get(letter), evolved
        counted = _counted_at(before, stored.offsets)
        if document is not before or (
            _ahead(document, stored.offsets) and document["fold"].get("epoch") != stored.epoch
        ):
            document = _stamped(document, counted, stored.epoch)
            _write(writes, before, document)
        writes.counts.subtract(filter(None, [counted]))
        writes.counts.update(filter(None, [_counted_at(document, reached)]))
    return writes


def evolve(document: Document | None, item: Item) -> Document:
    """The letter's document after this record; the same object if the record was taken before."""
    known = document or _empty(item.letter)
    if item.offset <= known["fold"]["taken"][item.topic]:
        return known
    taken = known["fold"]["taken"] | {item.topic: item.offset}
    told = _reported(known, item, item.told) if isinstance(item.told, Report) else _handled(known, item.told)
    moved = {**known, **told, "fold": known["fold"] | {"taken": taken}}
    return moved | _standing(moved)


def counters(counts: Mapping[str, int]) -> dict[str, Any]:
    """Letters by state, and the open ones by reason and by stage (one that two stages wrote counts for both)."""
    states, reasons, stages = Counter[str](), Counter[str](), Counter[str]()
    for kind, count in counts.items():
        state, reason, reporters = kind.split("|")
        states[state] += count
        if state == "open":
            reasons[reason] += count
            stages.update(dict.fromkeys(reporters.split("+"), count))
    return {"states": {state: states[state] for state in STATES}, "reasons": dict(reasons), "stages": dict(stages)}


def _empty(letter: str) -> Document:
    taken = dict.fromkeys(TOPICS, UNREAD)
    return {"_id": letter, "reports": [], "history": [], "fold": {"taken": taken, **UNWRITTEN}}


def _reported(known: Document, item: Item, report: Report) -> Document:
    letter = report.letter
    line = {"stage": letter.stage, "reason": letter.reason, "error": letter.error[:TOLD], "time": report.time}
    others = [one for one in known["reports"] if one["stage"] != letter.stage]
    original = unpacked(letter.original)
    return {
        "createdAt": known.get("createdAt", report.time),
        "seq": known.get("seq", _sequence(report.time, item)),
        "source": msgspec.to_builtins(letter.source),
        "size": letter.size,
        "sha256": letter.sha256,
        "truncated": letter.truncated,
        "preview": None if original is None else original[:PREVIEW].decode(errors="replace"),
        "properties": None if letter.properties is None else msgspec.structs.asdict(letter.properties),
        "record": {"topic": item.topic, "offset": item.offset},
        "reports": [*others, line],
    }


def _handled(known: Document, event: Event) -> Document:
    facts = msgspec.to_builtins(event.done)
    del facts["letter"]
    words = {"time": event.time, "by": event.by[:TOLD], "why": event.why[:TOLD]}
    return {"history": [*known["history"], {**facts, **words}]}


def _standing(document: Document) -> Document:
    """The fields that follow from the rest; none before the letter itself has come."""
    if not document["reports"]:
        return {}
    newest = document["reports"][-1]
    return {
        "state": _state(document),
        "reason": newest["reason"],
        "error": newest["error"],
        "stages": sorted(report["stage"] for report in document["reports"]),
        "updatedAt": max(line["time"] for line in (*document["reports"], *document["history"])),
    }


def _state(document: Document) -> State:
    if not document["history"]:
        return "open"
    last = document["history"][-1]
    fails_again = "offset" not in document["source"] and document["record"]["offset"] > last["seen"]
    if fails_again:
        return "open"
    return "redriven" if last["operation"] == "redriven" else "dropped"


def _sequence(time: datetime, item: Item) -> str:
    return f"{since(min(milliseconds(time), LATEST))}{TOPICS.index(item.topic):03x}{item.offset:011x}"


def _stamped(document: Document, counted: str | None, epoch: int | None) -> Document:
    revision = document["fold"]["revision"] + 1
    return document | {"fold": document["fold"] | {"counted": counted, "revision": revision, "epoch": epoch}}


def _write(writes: Writes, before: Document | None, document: Document) -> None:
    if before is None:
        writes.documents.append(document)
    else:
        moved = {name: value for name, value in document.items() if name != "_id"}
        writes.updates.append(Update(document["_id"], {"fold.revision": before["fold"]["revision"]}, moved))


def _ahead(document: Document, offsets: Mapping[str, int]) -> bool:
    return any(offset > offsets[topic] for topic, offset in document["fold"]["taken"].items())


def _counted_at(document: Document | None, offsets: Mapping[str, int]) -> str | None:
    """What a document counts as in counters that were stored with these offsets."""
    if document is None:
        return None
    if _ahead(document, offsets):
        counted: str | None = document["fold"]["counted"]
        return counted
    return (
        "|".join((document["state"], document["reason"], "+".join(document["stages"]))) if "state" in document else None
    )


def relevant(event: Event) -> Redriven | Dropped | None:
    """What this operation did to a letter, if that is what it is about."""
    return event.done if isinstance(event.done, Redriven | Dropped) else None
