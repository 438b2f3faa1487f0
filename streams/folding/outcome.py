"""One record in, its outcome out: what the rule decides, or a dead letter if it can't be decoded or decided. Pure."""

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from streams.clock import from_milliseconds
from streams.codec import Undecodable, decode
from streams.events import Body, Event
from streams.folding.rule import Incoming, Rule, StateT
from streams.folding.table import RESERVED, Entry, Rows
from streams.letters.dead_letters import Reason, letter_about
from streams.record import Oversized, Record, check_size

log = logging.getLogger(__name__)

TRACE_KEPT = 4000
"""Characters of a traceback, from its end, in a dead letter."""

StateOf = Callable[[int, bytes], Entry[StateT] | None]
"""The present state of a key of a partition."""


@dataclass(frozen=True, slots=True)
class Change(Generic[StateT]):
    """A key's new state and the row that says so."""

    key: bytes
    entry: Entry[StateT]
    row: Record


@dataclass(frozen=True, slots=True)
class Outcome(Generic[StateT]):
    """What one record leads to. `time` is the event's; `guarded` if it was applied before a crash."""

    log: Sequence[Record] = ()
    lanes: Sequence[Record] = ()
    change: Change[StateT] | None = None
    time: datetime | None = None
    guarded: bool = False
    letter: bool = False
    reasons: Sequence[str] = ()


class Judge(Generic[StateT]):
    """Applies a rule to records.

    A failing rule is a bug of ours. Its event becomes a dead letter with the traceback, counted and logged as an error,
    and changes nothing: stopping instead would let one record stop a whole partition, and the letter can be redriven
    once the bug is mended. So can an event whose reaction would be too large for the broker.
    """

    def __init__(self, rule: Rule[StateT], rows: Rows[StateT], stage: str) -> None:
        self._rule, self._rows, self._stage = rule, rows, stage

    def judge(self, record: Incoming, stamp: int, state_of: StateOf[StateT]) -> Outcome[StateT]:
        """`stamp` is the record's timestamp in milliseconds. Raises `UnknownType`: a skipped command is a lost one."""
        try:
            event = decode(record.value)
        except Undecodable as error:
            return self._letter("undecodable", str(error), record, stamp)
        try:
            return self._react(event, record, stamp, state_of)
        except Undecodable as error:
            return self._letter("invalid", str(error), record, stamp)
        except Oversized as error:
            return self._letter("oversized", str(error), record, stamp)
        except Exception as error:
            log.exception("%s failed on %s: it goes to the dead letters", type(self._rule).__name__, event.id)
            trace = "".join(traceback.format_exception(error))[-TRACE_KEPT:]
            return self._letter("rule-failed", trace, record, stamp)

    def _react(
        self,
        event: Event[Body],
        record: Incoming,
        stamp: int,
        state_of: StateOf[StateT],
    ) -> Outcome[StateT]:
        time = min(event.time, from_milliseconds(stamp))
        key = self._rule.key(event, record)
        known = state_of(record.partition, key)
        if known is not None and record.offset <= known.at:
            return Outcome(time=time, guarded=True)
        read = {name: state_of(record.partition, name) for name in self._rule.reads(event, record)}
        shared = {name: entry.state for name, entry in read.items() if entry is not None}
        reaction = self._rule.react(None if known is None else known.state, event, record, shared)
        check_size(reaction.log)
        check_size(reaction.lanes)
        change = None if reaction.state is None else self._change(key, reaction.state, record)
        return Outcome(reaction.log, reaction.lanes, change, time, reasons=reaction.reasons)

    def _change(self, key: bytes, state: StateT, record: Incoming) -> Change[StateT]:
        if key.startswith(RESERVED):
            raise ValueError(f"expected a table key that does not begin with {RESERVED!r}, got {key!r}")
        entry = self._rows.entry(state, record.offset, record.key)
        row = self._rows.row(record.partition, key, entry)
        check_size([row])
        return Change(key, entry, row)

    def _letter(self, reason: Reason, error: str, record: Incoming, stamp: int) -> Outcome[StateT]:
        return Outcome([letter_about(record, reason, self._stage, error, from_milliseconds(stamp))], letter=True)
