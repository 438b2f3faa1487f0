"""The shared Kafka edge: records go in, one record batch per partition goes out, and the caller waits for the acks."""

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from streams.background import PAUSES, pauses
from streams.exits import or_die
from streams.kafka.aiokafka_repairs import repair
from streams.kafka.bootstrap import bootstrap
from streams.kafka.producer import Producer
from streams.kafka.waiting import may_pass
from streams.letters import dead_letters
from streams.record import Record, check_size
from streams.topics import DEAD_LETTERS

log = logging.getLogger(__name__)

FEW = 32
"""After a batch of fewer records a stage rests, so that the next one is larger."""
REST = 0.02
"""Seconds. What a stage costs, and the broker for it, goes by batches more than by records."""
STOP_GRACE = 5.0
"""Seconds that `stop` waits for what was handed over."""


class Late(TimeoutError):
    """The broker did not take the records within the time allowed, and they will not be sent any more."""


@dataclass(slots=True, eq=False)
class _Call:
    records: Sequence[Record]
    done: asyncio.Future[None]


class Publisher:
    """Writes records for any number of tasks, in the order of their calls.

    All calls that wait are written as one round, and the next round starts when the broker has the whole of this one.
    So a partition never sees an old batch after a newer one, also when a producer has failed and a new one sends the
    round again: what the first one had got through comes twice then, with the same ids. Rounds cost no throughput,
    since aiokafka has one request in flight per broker anyway, and they make bigger batches under load.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.away_since: float | None = None
        """`time.monotonic()` of the first failure since the last success: the broker is being waited for."""
        self.failures = 0
        self.letters: Counter[str] = Counter()
        """Dead letters written, by reason."""
        self._producer = Producer(bootstrap(url))
        self.written = self._producer.written
        """Records by topic that the broker has acknowledged."""
        self._called = asyncio.Event()
        self._waiting: list[_Call] = []
        self._round: list[_Call] = []
        self._writer: asyncio.Task[None] | None = None
        self._attempt: asyncio.Task[object] | None = None

    def away_for(self) -> float:
        """Seconds for which the broker has been waited for; 0 if it is there."""
        return 0.0 if self.away_since is None else time.monotonic() - self.away_since

    async def start(self) -> None:
        """Never fails: a broker that is away is waited for by `publish`."""
        repair()
        self._writer = asyncio.create_task(or_die(self._write_rounds()), name="publisher")

    async def stop(self) -> None:
        """Wait a few seconds for what was handed over, then close the connections."""
        if open_calls := [call.done for call in (*self._round, *self._waiting) if not call.done.done()]:
            await asyncio.wait(open_calls, timeout=STOP_GRACE)
        if tasks := [task for task in (self._writer, self._attempt) if task is not None]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await self._producer.discard()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def publish(self, records: Sequence[Record], *, within: float | None = None) -> None:
        """Returns when the broker has all records, however long it is away.

        Raises `Oversized` before any of them is sent. With `within` (seconds) raises `Late` if the broker has not taken
        them by then: they are not sent afterwards, though some of them may have been before.
        """
        check_size(records)
        if not records:
            return
        call = _Call(records, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._called.set()
        try:
            async with asyncio.timeout(within):
                await call.done
        except TimeoutError as error:
            await self._take_back(call)
            raise Late(f"expected Kafka to take {len(records)} records within {within:.1f} s") from error
        self.letters.update(dead_letters.reason(record.value) for record in records if record.topic == DEAD_LETTERS)

    async def _take_back(self, call: _Call) -> None:
        if call in self._waiting:
            self._waiting.remove(call)
        elif self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait([self._attempt])

    async def _write_rounds(self) -> None:
        while True:
            await self._called.wait()
            self._called.clear()
            self._round, self._waiting = self._waiting, []
            await self._write_round()
            self._round = []

    async def _write_round(self) -> None:
        waits = pauses(PAUSES)
        while calls := [call for call in self._round if not call.done.done()]:
            records = itertools.chain.from_iterable(call.records for call in calls)
            self._attempt = asyncio.create_task(self._producer.write(records))
            await asyncio.wait([self._attempt])
            if self._attempt.cancelled():  # a call was late: the others' records go again
                continue
            error = self._attempt.exception()
            if error is not None and may_pass(error):
                self._note_away(error, calls)
                await asyncio.sleep(next(waits))
            else:
                self.away_since = None
                _settle(calls, error)

    def _note_away(self, error: BaseException, calls: Sequence[_Call]) -> None:
        self.failures += 1
        self.away_since = self.away_since or time.monotonic()
        log.warning(
            "Kafka has not taken the records of %d calls for %.1f s (%r): trying again",
            len(calls) + len(self._waiting),
            time.monotonic() - self.away_since,
            error,
        )


def _settle(calls: Sequence[_Call], error: BaseException | None) -> None:
    for call in calls:
        if call.done.done():
            continue
        if error is None:
            call.done.set_result(None)
        else:
            call.done.set_exception(error)
