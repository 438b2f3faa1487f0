"""Folds one input topic into a table and emits what the rule decides: nothing lost, and every repeat has the same id.

The steps of a batch, which is whatever waits:
    decide (pure) -> log records, acked -> lane records, acked -> proof of membership -> changelog, acked -> memory;
what is done is committed every half second. A crash anywhere leaves a prefix of these steps done, and the batch is
repeated from the last *applied up to* (see `position`) with the same result: an event whose row was acked is skipped by
its key's `at`, and its records were acked before; any other is decided again from the same state. Traps: state before
records loses the records in a crash; a lane record before its log record overtakes it; state without a fresh proof of
membership may be a zombie's, written after its partitions have moved.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic

import faust
from aiokafka import ConsumerRecord

from streams import clock
from streams.codec import UnknownType
from streams.exits import Exit, die, or_die
from streams.folding.batch import Batch
from streams.folding.counts import Counts
from streams.folding.faust_repairs import AT_ONCE, Fetched
from streams.folding.outcome import Judge, Outcome
from streams.folding.ownership import Ownership, RefuseFresh
from streams.folding.position import REBUILD
from streams.folding.rule import Incoming, Reaction, Rule, StateT
from streams.folding.table import Rows
from streams.folding.timers import Timers
from streams.kafka.gaps import missed
from streams.kafka.publisher import FEW, REST, Late, Publisher
from streams.topics import changelog

__all__ = ["Counts", "Fold", "Incoming", "Reaction", "Rule"]

log = logging.getLogger(__name__)

Beside = Callable[[Ownership[StateT], Publisher], Coroutine[object, object, None]]
"""Work that goes on for ever beside the folding, over the partitions that are owned."""
MOST_BYTES = 4 * 1024 * 1024
"""Of events decided together: what they lead to must reach the broker while the proof of membership lasts."""
COMMIT_EVERY = 0.5
"""Seconds."""
MEASURE_EVERY = 5.0
"""Seconds between questions where the source ends: what was fetched tells nothing when fetching is stuck."""
REBALANCE_TIMEOUT = 180.0
"""Seconds after which a rebalance counts as hung, not counting the reading of changelogs."""


class Fold(Generic[StateT]):
    """One stateful processor: `rule` folds the `source` topic within Faust app `app`.

    `partitions` is the source's (and the changelog's) partition count. `refuse_fresh` may veto a first start.
    `accept_gaps` goes on where retention removed unread records. `beside` is run as long as the fold. `counts` is for
    metrics.
    """

    def __init__(  # noqa: PLR0913 - a composition root's call: each part is named there
        self,
        app: faust.App,
        *,
        source: str,
        rule: Rule[StateT],
        publisher: Publisher,
        partitions: int,
        refuse_fresh: RefuseFresh | None = None,
        accept_gaps: bool = False,
        beside: Beside[StateT] | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.counts = Counts()
        self._app, self._publisher = app, publisher
        self._rows = Rows(rule, changelog(app.conf.id, rule.table))
        self._judge = Judge(rule, self._rows, app.conf.id)
        self._owned = Ownership(app, source, self._rows, publisher, self.counts)
        self._owned.refuse_fresh, self._owned.accept_gaps = refuse_fresh, accept_gaps
        self._timers = Timers(rule, source, self._owned.shards, publisher, now)
        self._beside, self._source = beside, source
        self._ends: dict[int, int] = {}
        self._lock = asyncio.Lock()
        topic = app.topic(
            source,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            partitions=partitions,
            acks=False,  # what Faust counts as acknowledged it would commit, even past an event that failed
        )
        app.agent(topic, name=f"fold-{rule.table}")(self._run)
        app.on_rebalance_complete.connect(self._gain, weak=False)
        app.on_partitions_revoked.connect(self._settle, weak=False)
        app.on_before_shutdown.connect(self._settle, weak=False)

    async def _run(self, stream: Any) -> None:  # noqa: ANN401 - untyped in Faust
        works = [self._renew(), self._measure(), self._timers.run(), self._watch()]
        works += [self._beside(self._owned, self._publisher)] if self._beside is not None else []
        tasks = [asyncio.create_task(or_die(work)) for work in works]
        try:
            await or_die(self._consume(stream))
        finally:
            for task in tasks:
                task.cancel()

    async def _consume(self, stream: Any) -> None:  # noqa: ANN401
        queue = stream.channel.queue
        async for fetched in stream:
            waiting = [fetched]
            while not queue.empty() and not _enough(waiting):
                waiting.append(queue.get_nowait())
            async with self._lock:
                await self._apply(waiting)
            if sum(len(each.records) for each in waiting) < FEW:
                await asyncio.sleep(REST)

    async def _apply(self, fetched: Sequence[Fetched]) -> None:
        fresh = self._fresh(fetched)
        if not fresh:
            return
        batch, unknown = self._decide(fresh)
        await self._publisher.publish(batch.log)
        await self._publisher.publish(batch.lanes)
        await self._write(batch)
        self._keep(batch)
        if unknown is not None:
            await self._owned.group.commit(self._owned.done)
            die(Exit.UPGRADE, str(unknown))

    def _fresh(self, fetched: Sequence[Fetched]) -> list[ConsumerRecord]:
        """The records that were fetched since the last rebalance."""
        fresh: list[ConsumerRecord] = []
        for each in fetched:
            if each.generation == self._owned.group.generation and self._app.flow_control.is_active():
                fresh += each.records
            else:
                self.counts.stale += len(each.records)
        return fresh

    def _decide(self, records: list[ConsumerRecord]) -> tuple[Batch[StateT], UnknownType | None]:
        """What the events lead to, up to one that this program is too old for."""
        batch = Batch(self._rows, self._owned.shards)
        for record in records:
            if not self._expected(record):
                continue
            incoming = Incoming(
                record.topic, record.partition, record.offset, record.key, record.value, record.timestamp
            )
            try:
                outcome = self._judge.judge(incoming, record.timestamp, batch.entry)
            except UnknownType as error:
                return batch, error
            self._take(incoming, outcome, batch)
        return batch, None

    def _take(self, record: Incoming, outcome: Outcome[StateT], batch: Batch[StateT]) -> None:
        batch.add(record, outcome)
        self._owned.next[record.partition] += 1
        self.counts.guarded += outcome.guarded
        self.counts.dead_letters += outcome.letter
        self.counts.kept_back.update(outcome.reasons)

    def _expected(self, record: ConsumerRecord) -> bool:
        """Whether it is the partition's next record. Trap: a commit past a record that was never seen would lose it."""
        wanted = self._owned.next.get(record.partition)
        if wanted is None or record.offset > wanted:
            die(Exit.HOLE, f"{record.topic}[{record.partition}]: expected offset {wanted}, got {record.offset}")
        self.counts.repeated += record.offset < wanted
        return bool(record.offset == wanted)

    async def _write(self, batch: Batch[StateT]) -> None:
        """Write the changelog while we are provably a member: a write that takes too long is taken back and redone."""
        group = self._owned.group
        batch.forget(group.accepted)
        records = batch.changelog()
        while records:
            before = {partition: part.first for partition, part in batch.parts.items()}
            if not group.proof_is_good and not await group.commit(before):
                die(Exit.NOT_A_MEMBER, "stopped or cut off for too long: the partitions may have moved")
            try:
                await self._publisher.publish(records, within=group.proof_left)
            except Late:
                log.warning("the changelog could not be written in time: proving membership again")
            else:
                return

    def _keep(self, batch: Batch[StateT]) -> None:
        batch.keep()
        self.counts.published.update(batch.kinds())
        for partition, part in batch.parts.items():
            self._owned.done[partition] = part.done
            for change in part.changes.values():
                self._timers.watch(partition, change.key, change.entry)
            self.counts.events += part.done - part.first
            self.counts.forgotten += len(part.tombstones)
        self.counts.batches += 1

    async def _gain(self, *_: object, **__: object) -> None:
        """Partitions were assigned. Trap: Faust would resume fetching before it has sought to where to begin."""
        self._app.consumer.stop_flow()
        if await or_die(self._owned.gain()):
            self._timers.rebuild()

    async def _settle(self, *_: object, **__: object) -> None:
        """Partitions are revoked, or the app stops: Faust waits for this before it rejoins or leaves the group."""
        self._timers.drop()
        async with self._lock:
            await or_die(self._owned.settle())

    async def _renew(self) -> None:
        """Commit what is done, also when it is nothing new: an accepted commit is a proof of membership."""
        owned = self._owned
        while True:
            await asyncio.sleep(COMMIT_EVERY)
            await owned.group.commit(dict(owned.done))
            self.counts.lag = {partition: self._lag(partition, done) for partition, done in owned.done.items()}

    def _lag(self, partition: int, done: int) -> int:
        return max(self._owned.group.end(partition) or 0, self._ends.get(partition, 0), done) - done

    async def _measure(self) -> None:
        """Apart from `_renew`, since a proof of membership must not wait for an answer."""
        while True:
            if done := dict(self._owned.done):
                bounds = await self._owned.group.bounds(done)
                self._ends = {partition: known.end for partition, known in bounds.items()}
                refuse_a_lost_end(self._source, done, self._ends)
            await asyncio.sleep(MEASURE_EVERY)

    async def _watch(self) -> None:
        """Trap: some races between rebalances leave Faust waiting for ever, heartbeats and all."""
        calm = time.monotonic()
        while time.monotonic() - calm < REBALANCE_TIMEOUT or self._publisher.away_since is not None:
            if not self._app.rebalancing or self._owned.gaining:
                calm = time.monotonic()
            await asyncio.sleep(1)
        die(Exit.STUCK, f"a rebalance did not end within {REBALANCE_TIMEOUT:.0f} s")


def _enough(waiting: Sequence[Fetched]) -> bool:
    return sum(len(each.records) for each in waiting) >= AT_ONCE or sum(each.size for each in waiting) >= MOST_BYTES


def refuse_a_lost_end(source: str, done: Mapping[int, int], ends: Mapping[int, int]) -> None:
    """Raises `Refused`: what is written next would get offsets that were folded before, and be skipped as a repeat."""
    for partition, reached in done.items():
        missed((source, partition), reached, 0, ends[partition], REBUILD)
