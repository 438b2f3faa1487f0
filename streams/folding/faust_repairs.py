"""What in faust-streaming 0.15.3 loses records or hangs around a rebalance, repaired, and a leaner fetch loop.

All of it overrides private methods of exactly this version; a test fails when the version moves. Read
`faust/transport/consumer.py` and `faust/transport/drivers/aiokafka.py` beside it.
"""

import asyncio
import os
import threading
from typing import Any, NamedTuple, cast

import faust
import uvloop
from aiokafka import ConsumerRecord
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.exits import Exit

VERSION = "0.15.3"
STOP_TIMEOUT = 8.0
"""Seconds a stop may take."""
FETCH_TIMEOUT = 1.0
"""Seconds a fetch waits for news before it looks around."""
BROKER_WAITS = 0.25
"""Seconds the broker waits for news before it answers a fetch."""
TAKEN_WITHIN = 1.0
"""Seconds that a partition's records may lie in the buffer before others are fetched without it."""
AT_ONCE = 500
"""Records in a fetch; more bring no throughput."""
NOTHING_ASSIGNED = 0.05
"""Seconds between looks for an assignment."""


class App(faust.App):
    """An app whose stop ends, and whose consumer is repaired."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Faust's own
        super().__init__(*args, **kwargs)
        cast("Any", self.transport).Consumer = Consumer

    async def stop(self) -> None:
        """Trap: a stop that meets a rebalance can hang for ever, heartbeats and all. A crash is always safe."""
        watchdog = threading.Timer(STOP_TIMEOUT, os._exit, (Exit.STUCK,))
        watchdog.daemon = True
        watchdog.start()
        await super().stop()
        watchdog.cancel()


class Fetched(NamedTuple):
    """Records of one partition as they come from the broker, and the generation of the group they were fetched in."""

    generation: int
    records: list[ConsumerRecord]

    @property
    def size(self) -> int:
        """Bytes, without keys and framing."""
        return sum(len(record.value or b"") for record in self.records)


class Thread(driver.AIOKafkaConsumerThread):
    """The consumer's thread, with a fetch that heeds rebalances."""

    async def on_start(self) -> None:
        """Connect.

        Trap: aiokafka has one fetch under way per broker, and leaves a partition out whose last records were not taken
        within 0.1 s. If the others are quiet, its next record then waits for as long as the broker may wait for news,
        which Faust sets to 1.5 s.
        """
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher  # noqa: SLF001
        fetcher._prefetch_backoff = TAKEN_WITHIN  # noqa: SLF001
        fetcher._fetch_max_wait_ms = int(BROKER_WAITS * 1000)  # noqa: SLF001

    async def fetch(self, active: set[TP]) -> list[Fetched]:
        """What there is of the active partitions; waits for news for a while."""
        return cast("list[Fetched]", await self.call_thread(self._fetch, set(active)))

    async def _fetch(self, active: set[TP]) -> list[Fetched]:
        """In the thread.

        Trap: a fetch that waits across a rebalance is stale, and the partitions' positions have moved on: un-read what
        it took. Trap: aiokafka reads an empty set as "any partition".
        """
        generation = self.app.consumer_generation_id
        if not active or not self.consumer.flow_active:
            return []
        consumer = self._ensure_consumer()
        fetched = await self._fetch_records(consumer, active, FETCH_TIMEOUT, AT_ONCE)
        if generation == self.app.consumer_generation_id and self.consumer.flow_active:
            return [Fetched(generation, records) for records in fetched.values()]
        for partition, records in fetched.items():
            if records and partition in consumer.assignment():
                consumer.seek(partition, records[0].offset)
        return []


class Consumer(driver.Consumer):
    """Faust's consumer with the repaired thread, and a fetch loop that hands over lists instead of single events.

    An agent's stream yields what is put into its queue, here `Fetched`. Faust would make four tasks an event, decode it
    twice and track it for acknowledging: two thirds of the cost of a small event.
    """

    def _new_consumer_thread(self) -> Thread:
        return Thread(self, loop=self.loop, beacon=self.beacon, thread_loop=uvloop.new_event_loop())

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401 - untyped in Faust
        """Fetch for ever. Whatever goes wrong between here and the fold, the fold notices by the offsets.

        Trap: cancelled by a stop during a rebalance, it must end quietly, or Faust takes the whole app for crashed and
        cuts the connections under the last commit.
        """
        thread = cast("Thread", self._thread)
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):  # noqa: SLF001
                if not self.flow_active:
                    await self.wait(cast("Any", self.can_resume_flow))
                elif active := self._get_active_partitions():
                    for fetched in await thread.fetch(active):
                        await self._hand_over(fetched)
                else:
                    await self.sleep(NOTHING_ASSIGNED)
        except (asyncio.CancelledError, ConsumerStoppedError):
            if not self.app.should_stop:
                raise

    async def verify_all_partitions_active(self) -> None:
        """Faust's look-out for agents that hang goes by its own acknowledging, and complains of quiet partitions."""

    async def _hand_over(self, fetched: Fetched) -> None:
        """Trap: a rebalance cancels those who wait for a full queue, hence the task."""
        first = fetched.records[0]
        for channel in cast("Any", self.app.topics)._tp_index[TP(first.topic, first.partition)]:  # noqa: SLF001
            if channel.queue.full() or not self.app.flow_control.is_active():
                await asyncio.wait([asyncio.ensure_future(channel.queue.put(fetched))])
            else:
                channel.queue.put_nowait(fetched)
