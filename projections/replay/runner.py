"""The process that works on replays: commands on `notification-operations` in, events of the log to their targets out.

A process of its own, so that a slow target, or a replay at full speed, is no burden to the read models. Of several only
the one that owns the topic's one partition works; the others stand by.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from projections.replay.book import WORKING, Book, Replay
from projections.replay.following import PLACE
from projections.replay.targets import TargetRefused, parse
from projections.replay.work import MAX_ERROR, Work
from projections.replay.writing import Recorder
from streams.health.metrics import Reading
from streams.health.vitals import Vitals
from streams.kafka.consuming import group_consumer
from streams.kafka.waiting import reachable
from streams.operations import ReplayFailed
from streams.settings import Settings
from streams.topics import OPERATIONS

log = logging.getLogger(__name__)

GROUP = "replays"
IDLE_MS = 500
GRACE = 5.0
"""Seconds that a replay may take to stop; cut off, it begins again at its last recorded position."""


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Work until `stopping` is set."""
    await reachable(settings.kafka_url)
    consumer, recorder = group_consumer(settings, GROUP), Recorder(settings.kafka_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(recorder.close)
        stack.push_async_callback(consumer.stop)
        loop = Loop(settings, consumer, recorder)
        vitals.measure(loop.readings)
        consumer.subscribe([OPERATIONS], listener=loop)
        await consumer.start()
        stack.push_async_callback(loop.drop)
        while not stopping.is_set():
            await loop.step()


class Loop(ConsumerRebalanceListener):  # type: ignore[misc]
    """Follows the operations, and has a task for each replay that is to be worked on."""

    def __init__(self, settings: Settings, consumer: AIOKafkaConsumer, recorder: Recorder) -> None:
        self._settings, self._consumer, self._recorder = settings, consumer, recorder
        self._reassigned, self._end, self._next = False, 0, 0
        self._book = Book()
        self._tasks: dict[str, Task] = {}

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002 - aiokafka's interface
        """Called by aiokafka when a rebalance starts."""
        self._reassigned = True

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Called by aiokafka when a rebalance ends."""
        self._reassigned = True
        self._consumer.pause(*assigned)

    async def step(self) -> None:
        """Read what came, and see to it that what should be worked on is, and nothing else."""
        try:
            if self._reassigned:
                await self._begin()
            batches = await self._consumer.getmany(timeout_ms=IDLE_MS)
        except KafkaError as error:
            log.warning("the operations can't be read, beginning again: %r", error)
            self._reassigned = True
            await asyncio.sleep(IDLE_MS / 1000)
            return
        for record in [] if self._reassigned else batches.get(PLACE, []):
            self._book.take(record.value)
            self._next = record.offset + 1
        if not self._reassigned and self._consumer.assignment() and self._next >= self._end:
            await self._see_to()

    async def drop(self) -> None:
        """Stop all work, where it is."""
        await asyncio.gather(*(task.stop() for task in self._tasks.values()))
        self._tasks.clear()

    def readings(self) -> Iterator[Reading]:
        """For `/metrics`."""
        yield Reading("tidings_in_flight", len(self._tasks), ("replays",))

    async def _begin(self) -> None:
        """From the topic's beginning; nothing is worked on before its end, as it is now, was read."""
        await self.drop()
        self._reassigned, self._book, self._next = False, Book(), 0
        if self._consumer.assignment():
            begins, ends = (
                await self._consumer.beginning_offsets([PLACE]),
                await self._consumer.end_offsets([PLACE]),
            )
            self._end = ends[PLACE]
            self._consumer.seek(PLACE, begins[PLACE])
            self._consumer.resume(PLACE)

    async def _see_to(self) -> None:
        for task in self._tasks.values():
            if self._book.replays[task.replay].state != task.state:
                await task.stop()
        await self._clear()
        for replay in self._book.replays.values():
            if replay.id not in self._tasks and replay.state in WORKING and ours(replay):
                self._tasks[replay.id] = Task(replay, self._settings, self._recorder)

    async def _clear(self) -> None:
        """Trap: a replay whose task has ended may stand as running here until what the task told last was read."""
        ended = [name for name, task in self._tasks.items() if task.done]
        if ended and self._next >= (await self._consumer.end_offsets([PLACE]))[PLACE]:
            for name in ended:
                del self._tasks[name]


class Task:
    """A replay that is being worked on, in the state in which it was begun."""

    def __init__(self, replay: Replay, settings: Settings, recorder: Recorder) -> None:
        self.replay, self.state = replay.id, replay.state
        self._recorder, self._stop = recorder, asyncio.Event()
        self._work = asyncio.create_task(self._run(Work(replay, settings, recorder.tell)))

    @property
    def done(self) -> bool:
        """Whether it has ended, by itself or not."""
        return self._work.done()

    async def stop(self) -> None:
        """Returns when it has ended, with its position on record if it could."""
        self._stop.set()
        await asyncio.wait([self._work], timeout=GRACE)
        self._work.cancel()
        await asyncio.wait([self._work])

    async def _run(self, work: Work) -> None:
        try:
            await work.run(self._stop)
        except Exception as error:
            log.exception("replay %s failed", self.replay)
            await self._recorder.tell(ReplayFailed(self.replay, repr(error)[:MAX_ERROR]))


def ours(replay: Replay) -> bool:
    """Whether a process works on it; lines to stdout come from the command that was asked for them."""
    try:
        return parse(replay.order.into).kind != "stdout"
    except TargetRefused:
        return True
