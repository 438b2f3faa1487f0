"""The input of a torture run, from a seed: events of many short-lived notifications, and some poisonous records."""

import asyncio
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from streams.codec import encode
from streams.events import Event, Sending, Sent
from streams.kafka.publisher import Publisher
from streams.record import Record
from tests.torture.toy import HUGE, RAISES

ALIVE = 200
"""Notifications that get events at a time."""
LASTS = 20
"""Events of a notification, on average."""
POISON_EVERY = 400
FED_AT_ONCE = 50


def record_key(notification: int) -> bytes:
    """Another key than the table's, as a recipient is another than its notifications."""
    return b"recipient-%d" % (notification % 97)


def inputs(count: int, seed: int, topic: str) -> Iterator[Record]:
    """`count` records; times are those of the asking."""
    choose, alive, born = random.Random(seed), list(range(ALIVE)), ALIVE
    for number in range(1, count + 1):
        place = choose.randrange(ALIVE)
        notification, now = alive[place], datetime.now(UTC)
        if number % POISON_EVERY == 0:
            yield _poison(number // POISON_EVERY, number, notification, now, topic)
        elif choose.random() * LASTS < 1:
            yield _event(Sent(number), notification, now, topic)
            alive[place], born = born, born + 1
        else:
            yield _event(Sending(number, now + timedelta(seconds=choose.uniform(1, 4)), ""), notification, now, topic)


def _event(body: Sending | Sent, notification: int, now: datetime, topic: str) -> Record:
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    event = Event(body, f"n{notification}", now, "feeder", "c")
    return Record(topic, record_key(notification), encode(event), id=event.id)


def _poison(kind: int, number: int, notification: int, now: datetime, topic: str) -> Record:
    match kind % 4:
        case 0:
            return Record(topic, record_key(notification), b"\xffnot an event", id=f"poison-{number}")
        case 1:
            return Record(topic, record_key(notification), b'{"id":"x","type":"somebody.elses"}', id=f"poison-{number}")
        case 2:
            return _event(Sending(number, now, RAISES), notification, now, topic)
        case _:
            return _event(Sending(number, now, HUGE), notification, now, topic)


async def feed(url: str, run: str, count: int, seed: int, rate: float) -> None:
    """Write the input at `rate` records a second."""
    publisher = Publisher(url)
    await publisher.start()
    records, begun = inputs(count, seed, f"{run}-in"), time.monotonic()
    for fed in range(0, count, FED_AT_ONCE):
        await asyncio.sleep(max(begun + fed / rate - time.monotonic(), 0))
        await publisher.publish([next(records) for _ in range(min(FED_AT_ONCE, count - fed))])
    await publisher.stop()
