"""A long log without the time it takes to make one: whole stories by the real rules and codec, straight into Kafka.

Requests come at an even rate, every fifth call fails, and all notifications end: what a system leaves behind that ran
for an hour and is idle now. The topics must be empty before; lanes stay empty; the groups' offsets are committed.
"""

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count as numbers
from itertools import islice

from aiokafka import TopicPartition

from streams.events import (
    Body,
    CameDue,
    Channel,
    Event,
    Origin,
    Personal,
    Queued,
    Request,
    Requested,
    RetryScheduled,
    SendFailed,
    Sending,
    Sent,
)
from streams.intake.requests import recipient_key, record_key
from streams.kafka.offsets import opened
from streams.kafka.publisher import Publisher
from streams.record import Record
from streams.rules import conclusions, notification
from streams.rules.admission import judge
from streams.settings import Settings
from streams.topics import EVENTS, REQUESTS, partition_for

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
INTERVAL = timedelta(seconds=1 / 833)
FAILURE_RATE = 0.2
CALL = timedelta(milliseconds=100)
LATE = timedelta(milliseconds=20)
"""By which timers are."""
ALLOWED = timedelta(seconds=15)
RECIPIENTS = 10_000
CHANNELS: tuple[Channel, ...] = ("email", "sms", "push")
AT_ONCE = 5000
"""Records in one go."""


async def write(settings: Settings, events: int, told: Callable[[int], None]) -> int:
    """Write about so many events of the log, and commit that all of it has been worked off; returns how many."""
    publisher, ends, waiting = Publisher(settings.kafka_url), Counter[TopicPartition](), history(events, settings)
    await publisher.start()
    try:
        while batch := list(islice(waiting, AT_ONCE)):
            await publisher.publish(batch)
            ends.update(TopicPartition(record.topic, record.partition) for record in batch)
            told(sum(end for place, end in ends.items() if place.topic == EVENTS))
    finally:
        await publisher.stop()
    async with opened(settings.kafka_url) as offsets:
        for group, topic in (("admit", REQUESTS), ("lifecycle", EVENTS)):
            await offsets.commit(group, {place: end for place, end in ends.items() if place.topic == topic})
    return sum(end for place, end in ends.items() if place.topic == EVENTS)


def history(events: int, settings: Settings) -> Iterator[Record]:
    """At least so many events in the order of their times, each request before what it leads to."""
    chooser, offsets, made = random.Random(1), Counter[int](), 0  # noqa: S311 - no secret
    waiting: list[tuple[datetime, int, Record]] = []
    order = numbers()
    for number in numbers():
        requested = _requested(number, settings)
        while waiting and waiting[0][0] <= requested.time:
            yield heapq.heappop(waiting)[2]
        if made >= events:
            break
        key = record_key(requested)
        partition = partition_for(key, settings.partitions)
        yield Record.of(requested, REQUESTS, key, partition)
        for event in story(requested, Origin(partition, offsets[partition]), settings, chooser):
            heapq.heappush(waiting, (event.time, next(order), _on_the_log(event, requested, settings)))
            made += 1
        offsets[partition] += 1
    yield from (record for _, _, record in sorted(waiting))


def story(
    requested: Event[Requested], origin: Origin, settings: Settings, chooser: random.Random
) -> Iterator[Event[Body]]:
    """From admit's verdict to the end, as all processors would tell it."""
    todo: deque[Event[Body]] = deque([judge(None, requested, origin, settings.limits)])
    job, retry = None, settings.retry
    while todo:
        event = todo.popleft()
        job = notification.evolve(job, event)
        yield event
        for conclusion in conclusions.conclude(job, event, retry):
            job = notification.evolve(job, conclusion)
            yield conclusion
            todo += _world(conclusion, chooser)
        todo += _world(event, chooser)


def _world(event: Event[Body], chooser: random.Random) -> list[Event[Body]]:
    """What deliver and the timers answer."""
    match event.body:
        case Queued(dispatch):
            began = event.time + timedelta(milliseconds=5)
            return [event.then(Sending(dispatch, began + ALLOWED, "deliver"), "deliver", began)]
        case Sending(dispatch):
            refused = chooser.random() < FAILURE_RATE
            body = SendFailed(dispatch, "the mock refused it") if refused else Sent(dispatch)
            return [event.then(body, "deliver", event.time + CALL)]
        case RetryScheduled(dispatch, not_before):
            return [event.then(CameDue(dispatch, "retry"), "lifecycle", not_before + LATE)]
        case _:
            return []


def _requested(number: int, settings: Settings) -> Event[Requested]:
    name, recipient = f"{number:08x}-history-{number:08x}", f"user{number % RECIPIENTS}@example.org"
    text = f"Your parcel {number} is on its way and will be with you tomorrow."
    key = _recipient_key(recipient, settings.recipient_secret.get_secret_value())
    personal = Personal(recipient, text, {"order": number})
    request = Request(CHANNELS[number % len(CHANNELS)], key, settings.max_attempts, personal)
    time = BEGAN + number * INTERVAL
    return Event(Requested(request), name, time.replace(microsecond=time.microsecond // 1000 * 1000), "bridge", name)


@lru_cache(RECIPIENTS)
def _recipient_key(recipient: str, secret: str) -> str:
    return recipient_key(recipient, secret)


def _on_the_log(event: Event[Body], requested: Event[Requested], settings: Settings) -> Record:
    key = requested.body.request.recipient_key.encode()
    return Record.of(event, EVENTS, key, _log_partition(key, settings.partitions))


@lru_cache(RECIPIENTS)
def _log_partition(key: bytes, partitions: int) -> int:
    return partition_for(key, partitions)
