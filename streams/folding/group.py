"""The consumer group as the fold needs it: explicit offsets, and accepted commits as proof of membership.

The broker accepts a commit only from a member of the current generation, so an accepted one proves that our partitions
were ours when it was sent, and, since it renews the session, that they stay ours for the session timeout from then on.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, cast

import faust
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from streams.kafka.waiting import waited_out

SAFE = 0.9
"""Of the session timeout: how long after an accepted commit we may still write state."""
LEASE = 0.5
"""Of the session timeout: how old the proof may be before a batch of changelog records is written."""


class Bounds(NamedTuple):
    """Offsets of a partition: what the group has committed, where the log begins and ends."""

    committed: int | None
    first: int
    end: int


class Group:
    """The group of a Faust app, for one source topic; offsets are by partition.

    Trap: Faust's own `commit` ends the app when the broker is away. Here it waits, as aiokafka does by itself.
    """

    def __init__(self, app: faust.App, source: str) -> None:
        self.accepted: dict[int, int] = {}
        """By partition: the newest offset the broker has accepted."""
        self._app, self._source = app, source
        self._proven = float("-inf")

    @property
    def generation(self) -> int:
        """Counts the group's rebalances; another one while something is awaited makes it void."""
        return int(self._app.consumer_generation_id)

    @property
    def proof_left(self) -> float:
        """Seconds that state may still be written without another proof."""
        return self._proven + SAFE * self._session - time.monotonic()

    @property
    def proof_is_good(self) -> bool:
        """Whether a batch may be begun to be written."""
        return time.monotonic() - self._proven <= LEASE * self._session

    def assigned(self) -> set[int]:
        """The source partitions that are ours."""
        return {partition for topic, partition in self._app.consumer.assignment() if topic == self._source}

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        """False if we are no longer a member, or there is nothing to commit. Waits while the broker is away."""
        if not offsets:
            return False
        started = time.monotonic()
        if not await self._thread.call_thread(self._commit, self._keyed(offsets), self.generation):
            self._proven = float("-inf")
            return False
        self._proven = max(self._proven, started)
        self.accepted.update(offsets)
        return True

    async def bounds(self, partitions: Iterable[int]) -> dict[int, Bounds]:
        """What the broker knows of these partitions. Waits while it is away."""
        numbers = list(partitions)
        return await waited_out(lambda: self._thread.call_thread(self._bounds, numbers))

    def end(self, partition: int) -> int | None:
        """The end of the source as of the last fetch."""
        end: int | None = None
        with suppress(AssertionError):  # it was revoked meanwhile, in the other thread
            end = self._app.consumer.highwater(TopicPartition(self._source, partition))
        return end

    @property
    def _session(self) -> float:
        return float(self._app.conf.broker_session_timeout)

    def _keyed(self, offsets: Mapping[int, int]) -> dict[TopicPartition, int]:
        return {TopicPartition(self._source, partition): offset for partition, offset in offsets.items()}

    @property
    def _thread(self) -> Any:  # noqa: ANN401
        """Faust has no other way to its consumer, which lives in a thread of its own."""
        return cast("Any", self._app.consumer)._thread  # noqa: SLF001

    def _consumer(self) -> Any:  # noqa: ANN401
        return self._thread._ensure_consumer()  # noqa: SLF001

    async def _commit(self, offsets: dict[TopicPartition, int], generation: int) -> bool:
        """In the consumer's thread.

        Trap: after a reset, aiokafka commits without a generation, which the broker accepts while the group is empty:
        no proof of anything.
        """
        coordinator = self._consumer()._coordinator  # noqa: SLF001
        if coordinator.generation != generation:
            return False
        try:
            await self._consumer().commit(offsets)
        except (CommitFailedError, IllegalStateError):
            return False
        return bool(coordinator.generation == generation)

    async def _bounds(self, partitions: list[int]) -> dict[int, Bounds]:
        consumer = self._consumer()
        keys = [TopicPartition(self._source, partition) for partition in partitions]
        first, end = await consumer.beginning_offsets(keys), await consumer.end_offsets(keys)
        return {key.partition: Bounds(await consumer.committed(key), first[key], end[key]) for key in keys}
