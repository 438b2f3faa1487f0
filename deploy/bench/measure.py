"""What a run cost and how long things took: CPU and memory by process, times from the events on the log."""

import asyncio
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psutil
from aiokafka import TopicPartition

from deploy.stack.supervision import State
from projections.models import GROUPS
from streams import codec
from streams.clock import from_milliseconds
from streams.events import Accepted, Body, Event, Failed, RetryScheduled, Sending, Sent
from streams.kafka.consuming import plain_consumer
from streams.kafka.offsets import opened
from streams.topics import EVENTS

MEBIBYTE = 1024 * 1024
READ_MODELS = (GROUPS["present"], GROUPS["past"])
"""Consumer groups: of NotificationJob and NotificationLog, and of histories and tallies."""
LOOK_EVERY = 0.2
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds used so far and resident memory in bytes, of a process and its children."""

    cpu: float
    memory: int


def usage(states: Sequence[State]) -> dict[str, Usage]:
    """By program name, and `load` for this process itself."""
    pids = {state.name: state.pid for state in states if state.pid} | {"load generator": None}
    return {name: _usage(psutil.Process(pid)) for name, pid in pids.items()}


def busy() -> float:
    """CPU seconds that this machine has spent on anything since it started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def own_cpu() -> float:
    """CPU seconds used so far by this process and by those of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _usage(process: psutil.Process) -> Usage:
    family = [process, *(process.children(recursive=True) if process.pid != psutil.Process().pid else [])]
    times = [member.cpu_times() for member in family]
    return Usage(sum(time.user + time.system for time in times), sum(member.memory_info().rss for member in family))


@dataclass
class Stories:
    """The notifications of a run, as far as the log tells."""

    events: int = 0
    accepted: dict[str, datetime] = field(default_factory=dict)
    sent: dict[str, datetime] = field(default_factory=dict)
    at_once: set[str] = field(default_factory=set)
    """Those whose first call was their last."""
    failed: dict[str, datetime] = field(default_factory=dict)
    waits: list[tuple[datetime, datetime]] = field(default_factory=list)
    """For the times of retries: from the failure on, and until then."""
    written: list[datetime] = field(default_factory=list)
    """When the log got each event."""
    late: list[float] = field(default_factory=list)
    """Seconds between the time a retry was planned for and its call."""
    _planned: dict[tuple[str, int], datetime] = field(default_factory=dict)

    @property
    def final(self) -> int:
        """How many have ended."""
        return len(self.sent.keys() | self.failed.keys())

    def accept_to_sent(self, *, at_once: bool = False) -> list[float]:
        """Seconds from the request to the provider's yes, in order of size; retries included, unless `at_once`."""
        names = self.at_once if at_once else self.sent
        return sorted((self.sent[name] - self.accepted[name]).total_seconds() for name in names)

    def sent_per_second(self) -> float:
        """From the first request to the last sent."""
        if not self.sent:
            return 0.0
        return len(self.sent) / (max(self.sent.values()) - min(self.accepted.values())).total_seconds()

    def add(self, event: Event[Body]) -> None:
        """Count one event of the log."""
        self.events += 1
        name = event.notification
        match event.body:
            case Accepted():
                self.accepted.setdefault(name, event.time)
            case Sent(dispatch):
                self.sent.setdefault(name, event.time)
                if dispatch == 1:
                    self.at_once.add(name)
            case Failed():
                self.failed.setdefault(name, event.time)
            case RetryScheduled(dispatch, not_before):
                self.waits.append((event.time, not_before))
                self._planned[name, dispatch + 1] = not_before
            case Sending(dispatch):
                planned = self._planned.pop((name, dispatch), None)
                if planned is not None:
                    self.late.append((event.time - planned).total_seconds())


async def follow(kafka_url: str, count: int, stories: Stories | None = None) -> Stories:
    """Read the log from its beginning until `count` notifications have ended; `stories` may be watched meanwhile."""
    stories = stories or Stories()
    consumer = plain_consumer(kafka_url)
    await consumer.start()
    try:
        await consumer._client.set_topics([EVENTS])  # noqa: SLF001 - a consumer without a group asks for no metadata
        partitions = [TopicPartition(EVENTS, number) for number in consumer.partitions_for_topic(EVENTS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        while stories.final < count:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    stories.add(codec.decode(record.value))
                    stories.written.append(from_milliseconds(record.timestamp))
    finally:
        await consumer.stop()
    return stories


async def behind(kafka_url: str, partitions: int) -> dict[str, int]:
    """By consumer group, how many events of the log the read models have before them."""
    places = [TopicPartition(EVENTS, number) for number in range(partitions)]
    async with opened(kafka_url) as offsets:
        marks = {group: await offsets.committed(group) for group in READ_MODELS}
        extents = await offsets.extents(places)
    return {
        group: sum(extents[place].end - mark.get(place, extents[place].first) for place in places)
        for group, mark in marks.items()
    }


async def caught_up(kafka_url: str, partitions: int) -> None:
    """Returns when the read models have all of the log: what they cost is spent by then."""
    while True:
        if not any((await behind(kafka_url, partitions)).values()):
            return
        await asyncio.sleep(LOOK_EVERY)
