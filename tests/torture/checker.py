"""What a torture run must have led to, computed from plain reads of the topics by an own, simple fold.

Shares no code with the fold or the toy: it reads CloudEvents as bare JSON.
"""

import json
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiokafka import ConsumerRecord

GRACE = timedelta(seconds=2)
PREFIX = "tidings.notification."

Json = dict[str, Any]
Place = tuple[int, int]


@dataclass
class Tally:
    partition: int
    changed: datetime
    count: int = 0
    hash: int = 0
    waits_for: int = 0
    due: datetime | None = None
    final: bool = False


@dataclass
class Expected:
    """What the input leads to; records by partition, in order."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    out: dict[int, list[tuple[str, Json]]] = field(default_factory=lambda: defaultdict(list))
    lane: dict[int, list[tuple[str, Json]]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[Place, str] = field(default_factory=dict)
    watermark: dict[int, datetime] = field(default_factory=dict)


def expect(inputs: list[ConsumerRecord]) -> Expected:
    """Fold the input topic."""
    expected = Expected()
    for record in sorted(inputs, key=lambda record: (record.partition, record.offset)):
        try:
            event = json.loads(record.value)
            kind = event["type"].removeprefix(PREFIX)
        except ValueError:
            kind = "garbage"
        place = (record.partition, record.offset)
        if kind in ("garbage", "somebody.elses"):
            expected.letters[place] = "undecodable"
        elif event["data"].get("worker") == "raises":
            expected.letters[place] = "rule-failed"
        elif event["data"].get("worker") == "huge":
            expected.letters[place] = "oversized"
        else:
            _fold(expected, record.partition, kind, event)
    return expected


def _fold(expected: Expected, partition: int, kind: str, event: Json) -> None:
    name, data, time = event["subject"], event["data"], datetime.fromisoformat(event["time"])
    expected.watermark[partition] = max(expected.watermark.get(partition, time), time)
    known = expected.tallies.get(name)
    tally, number = known or Tally(partition, time), data.get("dispatch", 0)
    match kind:
        case "sending.v1":
            tally.count += 1
            tally.hash = zlib.crc32(event["id"].encode(), tally.hash)
            if number % 10 == 0 and tally.due is None:
                tally.waits_for, tally.due = number, datetime.fromisoformat(data["deadline"])
            told = f"{tally.count}:{tally.hash}"
            expected.out[partition].append((f"{name}:send-failed:{number}", {"dispatch": number, "error": told}))
            if tally.count % 2 == 0:
                expected.lane[partition].append((f"{name}:queued:{number}", {"dispatch": number, "lane": told}))
        case "came-due.v1":
            if tally.due is None or number != tally.waits_for or time < tally.due:
                return
            tally.waits_for, tally.due = 0, None
            body = {"dispatch": number, "attempts": tally.count, "error": "due"}
            expected.out[partition].append((f"{name}:failed:{number}", body))
        case "sent.v1":
            tally.final = True
    tally.changed = time
    expected.tallies[name] = tally


def compare(topics: dict[str, list[ConsumerRecord]], expected: Expected) -> dict[str, int]:
    """Counts of what is wrong (all must be 0 but those after `dups`), by kind."""
    found: Counter[str] = Counter()
    for name, wanted in (("out", expected.out), ("lane", expected.lane)):
        _compare_emitted(found, topics[name], wanted)
    _compare_table(found, topics["changelog"], expected)
    _compare_letters(found, topics["letters"], expected.letters)
    found["overtaken"] += _overtaken(topics["out"], topics["lane"])
    found["timers_open"] = sum(tally.due is not None for tally in expected.tallies.values())
    found["keys"], found["letters"] = len(expected.tallies), len(expected.letters)
    return dict(found)


def _compare_emitted(
    found: Counter[str], records: list[ConsumerRecord], wanted: dict[int, list[tuple[str, Json]]]
) -> None:
    first: dict[int, dict[str, Json]] = defaultdict(dict)
    for record in records:
        event = json.loads(record.value)
        identity, body = event["id"], event["data"]
        if dict(record.headers)["id"].decode() != identity:
            found["header"] += 1
        if identity in first[record.partition]:
            found["dups"] += 1
            found["dups_differ"] += first[record.partition][identity] != body
        else:
            first[record.partition][identity] = body
    for partition in first.keys() | wanted.keys():
        got, right = first[partition], dict(wanted.get(partition, []))
        found["lost"] += len(right.keys() - got.keys())
        found["extra"] += len(got.keys() - right.keys())
        found["wrong"] += sum(got[identity] != right[identity] for identity in got.keys() & right.keys())
        found["unordered"] += [each for each in got if each in right] != [each for each in right if each in got]


def _compare_table(found: Counter[str], records: list[ConsumerRecord], expected: Expected) -> None:
    """The newest row of each key is what counts; older ones after it are a zombie's, which recovery passes over."""
    rows: dict[str, Json] = {}
    dead: dict[str, int] = {}
    applied: dict[int, int] = defaultdict(int)
    for record in records:
        key = record.key.decode()
        if key.startswith("\0"):
            applied[record.partition] = max(applied[record.partition], json.loads(record.value)["applied"])
        elif record.value is None:
            found["forgotten"] += 1
            dead[key] = int(dict(record.headers)["id"])
            if key in rows and rows[key]["at"] <= dead[key]:
                del rows[key]
        else:
            row = json.loads(record.value)
            old = row["at"] < applied[record.partition] or (key in rows and row["at"] < rows[key]["at"])
            found["stragglers"] += old
            if not old:
                rows[key] = row
    for name, tally in expected.tallies.items():
        row = rows.pop(name, None)
        if row is None:
            ripe = tally.final and tally.due is None and tally.changed + GRACE <= expected.watermark[tally.partition]
            found["keys_missing"] += not (ripe and name in dead)
        elif (row["state"].get("count", 0), row["state"].get("hash", 0)) != (tally.count, tally.hash):
            found["keys_over" if row["state"].get("count", 0) > tally.count else "keys_wrong"] += 1
        elif (row["state"].get("final", False), "due" in row["state"]) != (tally.final, tally.due is not None):
            found["keys_wrong"] += 1
    found["keys_extra"] += len(rows)


def _compare_letters(found: Counter[str], records: list[ConsumerRecord], wanted: dict[Place, str]) -> None:
    got: dict[Place, str] = {}
    for record in records:
        letter = json.loads(record.value)["data"]
        place = (letter["source"]["partition"], letter["source"]["offset"])
        found["letter_dups"] += place in got
        got[place] = letter["reason"]
    found["letters_lost"] += len(wanted.keys() - got.keys())
    found["letters_extra"] += len(got.keys() - wanted.keys())
    found["letters_wrong"] += sum(got[place] != wanted[place] for place in got.keys() & wanted.keys())


def _overtaken(out: list[ConsumerRecord], lane: list[ConsumerRecord]) -> int:
    """Lane records written before the log record they belong to."""
    told: dict[str, int] = {}
    for record in out:
        told.setdefault(json.loads(record.value)["id"].replace(":send-failed:", ":queued:"), record.timestamp)
    identities = ((json.loads(record.value)["id"], record.timestamp) for record in lane)
    return sum(identity not in told or stamp < told[identity] for identity, stamp in identities)


HARMLESS = {"dups", "letter_dups", "stragglers", "forgotten", "keys", "letters"}
"""Counts that tell how a run went, not that it went wrong."""


def faults(found: dict[str, int]) -> dict[str, int]:
    """What is wrong, if anything."""
    return {name: count for name, count in found.items() if count and name not in HARMLESS}
