"""The log as anybody can read it, with a plain client and `json`, and the provider's record: what really happened."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

Dispatch = tuple[str, int]
"""A notification and the number of its dispatch."""
LOG = "notification-events"
PATIENCE = 10.0
"""Seconds for a look at the log; a broker that is away is looked at again later."""
OUTCOMES = ("sent", "send-failed", "send-deferred", "send-lost")


@dataclass
class Ledger:
    """What the log has told so far, by notification and dispatch. Times are Unix seconds of the records."""

    kafka: str
    """host:port"""
    events: int = 0
    accepted: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The partition and offset of each notification's beginning."""
    sent: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    sending: set[Dispatch] = field(default_factory=set)
    undecided: dict[Dispatch, float] = field(default_factory=dict)
    """The deadlines of what was announced and has neither outcome nor loss so far."""
    lost: set[Dispatch] = field(default_factory=set)
    """By a `send-lost`."""
    unreadable: int = 0
    _next: dict[int, int] = field(default_factory=dict)

    @property
    def open(self) -> set[str]:
        """Those on the log that have not ended, or may still be being called."""
        now = time.time()
        busy = {name for (name, _), deadline in self.undecided.items() if now < deadline}
        return busy | (self.accepted.keys() - self.sent.keys() - self.failed)

    def read_on(self) -> bool:
        """Take in what is new; False if the broker did not give all of it."""
        return asyncio.run(self._read_on())

    async def _read_on(self) -> bool:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False)
        try:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await consumer.start()
                    await self._catch_up(consumer)
                    return True
            return False
        finally:
            await consumer.stop()

    async def _catch_up(self, consumer: AIOKafkaConsumer) -> None:
        await consumer._client.set_topics([LOG])
        places = [TopicPartition(LOG, number) for number in consumer.partitions_for_topic(LOG) or ()]
        consumer.assign(places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for place in places:
            self._next[place.partition] = max(self._next.get(place.partition, 0), begins[place])
            consumer.seek(place, self._next[place.partition])
        while any(self._next[place.partition] < ends[place] for place in places):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    self._next[record.partition] = record.offset + 1
                    self._read(record.value, record.timestamp / 1000, (record.partition, record.offset))

    def _read(self, value: bytes | None, at: float, place: tuple[int, int]) -> None:
        self.events += 1
        try:
            event = json.loads(value or b"")
            self._note(event["type"].split(".")[2], event["subject"], event["data"], at, place)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            self.unreadable += 1

    def _note(self, kind: str, name: str, data: dict[str, Any], at: float, place: tuple[int, int]) -> None:
        dispatch = name, data.get("dispatch", 0)
        if kind == "accepted":
            self.accepted.setdefault(name, place)
        elif kind == "failed":
            self.failed.add(name)
        elif kind == "sending" and dispatch not in self.sending:
            self.sending.add(dispatch)
            self.undecided[dispatch] = datetime.fromisoformat(data["deadline"]).timestamp()
        elif kind in OUTCOMES:
            self.undecided.pop(dispatch, None)
            if kind == "send-lost":
                self.lost.add(dispatch)
            elif kind == "sent":
                self.sent.setdefault(name, at)


@dataclass(frozen=True)
class Calls:
    """What the provider saw during a trial, in the order it saw it."""

    begun: list[Dispatch]
    sent: dict[str, list[int]]
    """The dispatches that succeeded, by notification."""

    @classmethod
    def read(cls, record: Path, since: int) -> "Calls":
        """Of the provider's record from that byte on."""
        begun: list[Dispatch] = []
        sent: dict[str, list[int]] = defaultdict(list)
        with record.open("rb") as lines:
            lines.seek(since)
            for line in map(json.loads, lines):
                if line["call"] == "begun":
                    begun.append((line["notification"], line["dispatch"]))
                elif line["call"] == "sent":
                    sent[line["notification"]].append(line["dispatch"])
        return cls(begun, dict(sent))

    def unannounced(self, ledger: Ledger) -> list[Dispatch]:
        """Calls of which the log knows nothing."""
        return [dispatch for dispatch in self.begun if dispatch not in ledger.sending]

    def repeated(self) -> list[Dispatch]:
        """Dispatches that were called more than once."""
        return [dispatch for dispatch, times in Counter(self.begun).items() if times > 1]

    def doubled(self, ledger: Ledger) -> tuple[int, list[str]]:
        """How many successes beyond the first are explained, each by a loss on the log; and where they are not."""
        explained, unexplained = 0, []
        for name, dispatches in self.sent.items():
            extra = len(dispatches) - 1
            losses = sum((name, dispatch) in ledger.lost for dispatch in set(dispatches))
            explained += min(extra, losses)
            unexplained += [name] * max(extra - losses, 0)
        return explained, unexplained


def longest_gap(times: list[float], since: float, until: float) -> float:
    """Seconds between two of these times, as far as they lie within a period."""
    within = sorted(time for time in times if since <= time)
    marks = [since, *(time for time in within if time <= until), *[time for time in within if time > until][:1]]
    return max((after - before for before, after in pairwise(marks)), default=until - since)
