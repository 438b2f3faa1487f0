"""What the taker makes of the records it has fetched."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import cast

import pytest
from aiokafka import ConsumerRecord

from streams import clock, codec
from streams.delivery.calls import Caller, Outlet
from streams.delivery.dispatched import Dispatched, Sighting
from streams.delivery.lane_reader import Fetched
from streams.delivery.taker import Taker
from streams.events import Attempt, Channel, Event, Personal, Request, Sending
from streams.health.vitals import Vitals
from streams.kafka.publisher import Publisher
from streams.providers.mock import MockProvider
from streams.record import Record
from streams.settings import Settings
from streams.topics import lane

SETTINGS = Settings(provider_timeout=10, deadline_margin=5)
LANE = lane("email", "transactional")


class Written(Publisher):
    """Keeps what it is to publish."""

    def __init__(self) -> None:
        super().__init__(SETTINGS.kafka_url)
        self.records: list[Record] = []

    async def publish(self, records: Sequence[Record], *, within: float | None = None) -> None:  # noqa: ARG002 - as there
        self.records += records


class LateRedis:
    """Answers after an hour."""

    waits, failures = "", 0

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    async def fresh(self, sightings: Sequence[Sighting]) -> list[bool]:
        later = clock.now() + timedelta(hours=1)
        self._monkeypatch.setattr(clock, "now", lambda: later)
        return [True] * len(sightings)


@asynccontextmanager
async def taking(publisher: Publisher, redis: object = None) -> AsyncIterator[Taker]:
    """A taker that no broker knows."""
    outlets: dict[Channel, Outlet] = {"email": Outlet(MockProvider(SETTINGS), SETTINGS)}
    caller = Caller(outlets, lambda *_: None, SETTINGS, Vitals().times("tidings_provider_seconds"))
    taker = Taker("transactional", caller, publisher, cast("Dispatched", redis), SETTINGS)
    try:
        yield taker
    finally:
        await taker._consumer.stop()


def fetched(*, newer: bool = False) -> ConsumerRecord:
    request = Request("email", "key", 5, Personal("ada@example.org", "hello"))
    value = codec.encode(Event(Attempt(1, request), "n", clock.now(), "lifecycle", "n"))
    value = value.replace(b"attempt.v1", b"attempt.v2") if newer else value
    return ConsumerRecord(LANE, 0, 7, 0, 0, b"key", value, None, 3, len(value), [])


async def test_a_call_has_all_its_time_however_long_redis_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = Written()
    async with taking(publisher, LateRedis(monkeypatch)) as taker:
        await taker._claim([fetched()])
    [record] = publisher.records
    sending = codec.decode(record.value)
    assert isinstance(sending.body, Sending)
    assert (sending.time, sending.body.deadline) == (clock.now(), clock.now() + timedelta(seconds=15))


async def test_an_attempt_of_a_newer_program_is_kept_as_the_reason_and_stops_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def take(_: object) -> list[Fetched]:
        return [Fetched(0, [fetched(newer=True)])]

    stopping, publisher = asyncio.Event(), Written()
    async with taking(publisher) as taker:
        monkeypatch.setattr(taker, "_take", take)
        await taker._take_all(stopping, asyncio.get_running_loop().create_future())
    assert isinstance(taker.refused, codec.UnknownType)
    assert (stopping.is_set(), publisher.records) == (True, [])


async def test_a_lane_without_a_free_slot_rightly_waits_for_as_long_as_calls_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, redis = time.monotonic(), LateRedis(monkeypatch)
    async with taking(Written(), redis) as taker:
        slots = taker._lanes[LANE]
        assert taker._hindered(LANE) == ""
        for _ in range(SETTINGS.slots_per_lane):
            slots.take()
        assert taker._hindered(LANE) == "no slot is free"
        monkeypatch.setattr(time, "monotonic", lambda: now + 16)
        assert taker._hindered(LANE) == ""
        for _ in range(SETTINGS.breaker_failures):
            with suppress(OSError), taker._caller.outlets["email"].breaker:
                raise OSError
        assert taker._hindered(LANE) == "the breaker is open"
