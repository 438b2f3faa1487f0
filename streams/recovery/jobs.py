"""Events of one partition of the log in, the rows of lifecycle's table out: folded, never concluded. Pure.

A conclusion that is on the log was drawn; one that is missing at the log's end is still owed. A job that owes one is
kept as it was before the event that it is owed for, and folding is to go on at the lowest such event: lifecycle reads
it again and concludes. All other jobs are guarded by their rows' `at`, so that nothing else happens twice. For the same
reason a finished job may only be forgotten if all its events lie below the lowest event that is owed for. Preferences
are as they were there: lifecycle reads those that were set later again, in their place.
"""

import traceback
from collections.abc import Iterator
from typing import NamedTuple, cast

from aiokafka import ConsumerRecord

from streams import preferences
from streams.clock import from_milliseconds
from streams.codec import Undecodable, decode
from streams.dead_letters import Reason, Source, dead_letter
from streams.events import Event, PreferencesSet
from streams.folding.outcome import TRACE_KEPT
from streams.folding.table import Rows, Shard
from streams.notification import SOURCE, Job, evolve, owes
from streams.preferences import Preferences
from streams.record import Record
from streams.topics import EVENTS

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
        return sum(offset >= self._committed for offset in self._owing.values())

    def applied(self, end: int) -> int:
        """Where lifecycle has to go on, given where the reading ended."""
        return min(self._lowest_owing(), end)

    def rows(self, end: int) -> Iterator[Record]:
        """The table; each row is guarded against all that was folded into it."""
        self._forget()
        for key, entry in self._shard.entries.items():
            owing = self._owing.get(key, -1)
            entry.at = (owing if owing >= self._committed else end) - 1
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
        if owes(new):
            self._owing.setdefault(key, record.offset)
            self._unsettled[key] = new
        else:
            if self._owing.pop(key, None) is not None:
                del self._unsettled[key]
            self._shard.put(key, self._rows.entry(new, record.offset, record.key))

    def _prefer(self, event: Event[PreferencesSet], record: ConsumerRecord) -> None:
        key, lowest = preferences.key(record.key), self._lowest_owing()
        known = self._preferred.get(key, [])
        after = preferences.evolve(known[-1].preferences if known else None, event)
        settled = sum(one.offset < lowest for one in known)
        self._preferred[key] = [*known[max(settled - 1, 0) :], Preferred(record.offset, after)]

    def _lowest_owing(self) -> int:
        owing = (offset for offset in self._owing.values() if offset >= self._committed)
        return next(owing, 1 << 63)  # the first is the lowest: they were put in in the order of the log

    def _forget(self) -> None:
        for key, _ in list(self._shard.ripe(self._lowest_owing(), FORGET_EVERY * 2, ())):
            del self._shard.entries[key]

    def _give_up(self, record: ConsumerRecord, reason: Reason, error: str) -> None:
        if record.offset >= self._committed:
            self.letters.append(
                dead_letter(
                    reason=reason,
                    stage=SOURCE,
                    error=error,
                    source=Source(EVENTS, record.partition, record.offset),
                    key=record.key,
                    body=record.value,
                    time=from_milliseconds(record.timestamp),
                )
            )
