"""Events of one partition of the log in, the rows of lifecycle's table out: folded, never concluded. Pure.

A conclusion that is on the log was drawn; one that is missing at the log's end is still owed. A job that owes one is
kept as it was before the event that it is owed for, and folding is to go on at the lowest such event: lifecycle reads
it again and concludes. What is owed to people (see `rules.notification`) is owed for an event of its own, in any
phase: the job is kept as if that had not come. All other jobs are guarded by their rows' `at`, so that nothing else
happens twice. For the same reason a finished job may only be forgotten if all its events lie below the lowest one that
is owed for. Preferences are as they were there: lifecycle reads those that were set later again, in their place.
"""

import traceback
from collections.abc import Iterator
from typing import NamedTuple, cast

from aiokafka import ConsumerRecord

from streams.clock import from_milliseconds
from streams.codec import Undecodable, decode
from streams.events import Event, PreferencesSet
from streams.folding.outcome import TRACE_KEPT
from streams.folding.table import Rows, Shard
from streams.letters.dead_letters import Reason, letter_about
from streams.record import Record
from streams.rules import preferences
from streams.rules.conclusions import SOURCE
from streams.rules.notification import Job, evolve, owed_to_people, unasked
from streams.rules.phase import Phase
from streams.rules.preferences import Preferences

FORGET_EVERY = 1000
"""Events."""


class Preferred(NamedTuple):
    """What a recipient preferred from this offset on."""

    offset: int
    preferences: Preferences


class Jobs:
    """The jobs of one partition, and the preferences. `committed` is what lifecycle had committed, if that is known.

    What is owed for an event below it was given up with a dead letter, and is not owed any more.
    """

    def __init__(self, rows: Rows[Job | Preferences], partition: int, committed: int | None) -> None:
        self.letters: list[Record] = []
        """For records that can't be read, where lifecycle may not have written them; repeats have the same id."""
        self.events = 0
        self._rows, self._partition, self._committed = rows, partition, committed or 0
        self._shard = Shard(rows, partition)
        self._owing: dict[bytes, int] = {}
        self._asked: dict[bytes, dict[str, int]] = {}
        self._unsettled: dict[bytes, Job] = {}
        self._preferred: dict[bytes, list[Preferred]] = {}
        """Oldest first: the one that stands at the lowest event that is owed for, and those after it."""

    def add(self, record: ConsumerRecord) -> None:
        """Fold the next record. Raises `UnknownType`: what is not understood can't be left out."""
        self.events += 1
        try:
            self._fold(record)
        except Undecodable as error:
            self._give_up(record, "undecodable", str(error))
        if self.events % FORGET_EVERY == 0:
            self._forget()

    def owed(self) -> int:
        """How many conclusions lifecycle still has to draw."""
        asked = (offset for offsets in self._asked.values() for offset in offsets.values())
        return sum(offset >= self._committed for offset in (*self._owing.values(), *asked))

    def applied(self, end: int) -> int:
        """Where lifecycle has to go on, given where the reading ended."""
        return min(self._lowest_owing(), end)

    def rows(self, end: int) -> Iterator[Record]:
        """The table; each row is guarded against all that was folded into it."""
        self._forget()
        for key, entry in self._shard.entries.items():
            owing = (self._owing.get(key, -1), *self._asked.get(key, {}).values())
            entry.at = min((offset for offset in owing if offset >= self._committed), default=end) - 1
            yield self._rows.row(self._partition, key, entry)
        for key, known in self._preferred.items():
            for offset, state in [one for one in known if one.offset < self.applied(end)][-1:]:
                yield self._rows.row(self._partition, key, self._rows.entry(state, offset, b""))

    def _fold(self, record: ConsumerRecord) -> None:
        event = decode(record.value)
        self._shard.see(min(event.time, from_milliseconds(record.timestamp)))
        if isinstance(event.body, PreferencesSet):
            self._prefer(cast("Event[PreferencesSet]", event), record)
            return
        key = event.notification.encode()
        entry = self._shard.entries.get(key)
        job = self._unsettled.get(key) or (None if entry is None else cast("Job", entry.state))
        try:
            new = evolve(job, event)
        except Exception as error:  # noqa: BLE001 - as in the live fold: a rule that fails changes nothing
            self._give_up(record, "rule-failed", "".join(traceback.format_exception(error))[-TRACE_KEPT:])
            return
        if new is None or new is job:
            return
        self._keep(key, new, record, begun=job is None)

    def _keep(self, key: bytes, job: Job, record: ConsumerRecord, *, begun: bool) -> None:
        known = self._asked.pop(key, {})
        if asked := {name: known.get(name, record.offset) for name in owed_to_people(job)}:
            self._asked[key] = asked
        if owing := job.phase in (Phase.ACCEPTED, Phase.BROKEN):
            self._owing.setdefault(key, record.offset)
        else:
            self._owing.pop(key, None)
        if owing or asked:
            self._unsettled[key] = job
        else:
            self._unsettled.pop(key, None)
        if not owing and not (begun and asked):
            self._shard.put(key, self._rows.entry(unasked(job) if asked else job, record.offset, record.key))

    def _prefer(self, event: Event[PreferencesSet], record: ConsumerRecord) -> None:
        key, lowest = preferences.key(record.key), self._lowest_owing()
        known = self._preferred.get(key, [])
        after = preferences.evolve(known[-1].preferences if known else None, event)
        settled = sum(one.offset < lowest for one in known)
        self._preferred[key] = [*known[max(settled - 1, 0) :], Preferred(record.offset, after)]

    def _lowest_owing(self) -> int:
        owing = (offset for offset in self._owing.values() if offset >= self._committed)
        first = next(owing, 1 << 63)  # the first is the lowest: they were put in in the order of the log
        asked = (offset for offsets in self._asked.values() for offset in offsets.values())
        return min((first, *(offset for offset in asked if offset >= self._committed)))

    def _forget(self) -> None:
        for key, _ in list(self._shard.ripe(self._lowest_owing(), FORGET_EVERY * 2, ())):
            del self._shard.entries[key]

    def _give_up(self, record: ConsumerRecord, reason: Reason, error: str) -> None:
        if record.offset >= self._committed:
            self.letters.append(letter_about(record, reason, SOURCE, error, from_milliseconds(record.timestamp)))
