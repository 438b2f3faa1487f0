"""What the table's states wait for goes in, commands to the processor's own source topic come out when they are due.

A timer is no state of its own: the heap is made from the table whenever partitions were assigned, and dropped when they
are revoked. A command is an event like any other and comes back through the fold, whose rule accepts it only if the
state still waits for it: so a timer that fires twice, or for a state that has moved on, does no harm. It runs by the
monotonic clock from when the state was seen: nobody's wall clock, wrong or set, makes it fire.
"""

import asyncio
import heapq
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Generic, NamedTuple

from streams.folding.rule import Rule, StateT
from streams.folding.table import Entry, Shard
from streams.kafka.publisher import Publisher
from streams.record import Record

log = logging.getLogger(__name__)

AT_ONCE = 1000
"""Commands in one go: after an outage everything is due."""


class Timer(NamedTuple):
    """When to fire, by the monotonic clock; `due` tells whether the state still waits for that."""

    at: float
    partition: int
    key: bytes
    due: datetime


class Timers(Generic[StateT]):
    """Wakes when the next state is due, and sleeps until then."""

    def __init__(
        self,
        rule: Rule[StateT],
        source: str,
        shards: Mapping[int, Shard[StateT]],
        publisher: Publisher,
        now: Callable[[], datetime],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fired = 0
        self._rule, self._source, self._shards = rule, source, shards
        self._publisher, self._now, self._elapsed = publisher, now, elapsed
        self._heap: list[Timer] = []
        self._earlier = asyncio.Event()

    def rebuild(self) -> None:
        """From all states of the table."""
        self._heap = [
            self._timer(partition, key, entry, entry.due)
            for partition, shard in self._shards.items()
            for key, entry in shard.entries.items()
            if entry.due is not None
        ]
        heapq.heapify(self._heap)
        self._earlier.set()

    def watch(self, partition: int, key: bytes, entry: Entry[StateT]) -> None:
        """A state was kept: heed what it waits for."""
        if entry.due is not None:
            heapq.heappush(self._heap, self._timer(partition, key, entry, entry.due))
            if self._heap[0].key == key:
                self._earlier.set()

    def drop(self) -> None:
        """The partitions may be another worker's now."""
        self._heap.clear()

    async def run(self) -> None:
        """Fire for ever."""
        while True:
            await self._sleep()
            if commands := self._commands(self._now()):
                await self._publisher.publish(commands)
                self.fired += len(commands)

    def _timer(self, partition: int, key: bytes, entry: Entry[StateT], due: datetime) -> Timer:
        return Timer(self._elapsed() + self._rule.wait(entry.state, self._now()).total_seconds(), partition, key, due)

    async def _sleep(self) -> None:
        self._earlier.clear()
        left = self._heap[0].at - self._elapsed() if self._heap else None
        if left is None or left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._earlier.wait()

    def _commands(self, now: datetime) -> list[Record]:
        commands: list[Record] = []
        until = self._elapsed()
        while self._heap and self._heap[0].at <= until and len(commands) < AT_ONCE:
            timer = heapq.heappop(self._heap)
            shard = self._shards.get(timer.partition)
            entry = shard.entries.get(timer.key) if shard is not None else None
            if entry is not None and entry.due == timer.due:
                commands += self._command(timer.partition, entry, now)
        return commands

    def _command(self, partition: int, entry: Entry[StateT], now: datetime) -> list[Record]:
        try:
            event = self._rule.command(entry.state, now)
        except Exception:
            log.exception(
                "no command for a state that is due: it waits until its partition is assigned again: %r", entry.state
            )
            return []
        return [Record.of(event, self._source, entry.record_key, partition)]
