"""Looks at groups, and the lag of a real one as it rises and falls."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from streams.health import lag as module
from streams.health.lag import AWAY, Lag, Place, looks
from streams.health.vitals import Following
from streams.kafka.consuming import group_consumer
from streams.kafka.offsets import Extent, Offsets, opened
from streams.settings import Settings
from streams.topics import EVENTS, LANES
from tests.support.broker import frozen
from tests.support.kafka import write

LANE = LANES[0]
PLACES = {
    TopicPartition(LANE, 0): Place(5, 9),
    TopicPartition(LANE, 1): Place(7, 7),
    TopicPartition(EVENTS, 0): Place(0, 2),
}


def following(*own: TopicPartition, by_topic: bool = False) -> Following:
    return Following("group", (LANE, EVENTS), lambda: own, lambda topic: f"no slot in {topic}", by_topic=by_topic)


def test_each_partition_that_is_read_is_looked_at_by_itself() -> None:
    found = looks(following(*PLACES), PLACES)
    assert {name: look.todo for name, look in found.items()} == {
        f"group reads {LANE}[0]": 4,
        f"group reads {LANE}[1]": 0,
        f"group reads {EVENTS}[0]": 2,
    }
    assert found[f"group reads {LANE}[0]"].hindered == f"no slot in {LANE}"


def test_partitions_that_share_their_slots_are_looked_at_together() -> None:
    found = looks(following(*PLACES, by_topic=True), PLACES)
    assert {name: look.todo for name, look in found.items()} == {f"group reads {LANE}": 4, f"group reads {EVENTS}": 2}
    moved = looks(following(*PLACES, by_topic=True), PLACES | {TopicPartition(LANE, 1): Place(8, 8)})
    assert moved[f"group reads {LANE}"].position != found[f"group reads {LANE}"].position


def test_a_member_without_partitions_looks_whether_anybody_reads() -> None:
    [(name, look)] = looks(following(), PLACES).items()
    assert (name, look.todo) == ("group is read", 6)


def test_a_spare_is_not_judged_by_what_other_members_read() -> None:
    for members, hindered in ((0, "no slot in "), (1, "no slot in "), (2, "another worker reads")):
        [look] = looks(following(), PLACES, members).values()
        assert (members, look.hindered) == (members, hindered)


def test_an_owner_is_judged_whoever_else_there_is() -> None:
    assert looks(following(*PLACES), PLACES, 2) == looks(following(*PLACES), PLACES)


def test_nothing_is_known_before_the_first_answer() -> None:
    assert looks(following(TopicPartition(LANE, 0)), {}) == {}


@asynccontextmanager
async def asking(settings: Settings, group: str) -> AsyncIterator[Lag]:
    own = [TopicPartition(LANE, partition) for partition in range(settings.partitions)]
    lag = Lag(settings.kafka_url, settings.partitions, [Following(group, (LANE,), lambda: own)])
    task = asyncio.create_task(lag.run())
    try:
        yield lag
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - Kafka tells only who asks
            await asyncio.sleep(0.05)


def total(lag: Lag, name: str = "tidings_lag_records") -> float:
    return sum(reading.value for reading in lag.readings() if reading.name == name)


async def test_lag_rises_with_what_is_written_and_falls_with_what_is_committed(declared: Settings) -> None:
    group = f"group-{uuid4()}"
    async with opened(declared.kafka_url) as offsets:
        extents = await offsets.extents([TopicPartition(LANE, number) for number in range(declared.partitions)])
        await offsets.commit(group, {place: extent.end for place, extent in extents.items()})
        async with asking(declared, group) as lag:
            await until(lambda: bool(lag.looks()) and total(lag) == 0)
            await write(declared.kafka_url, LANE, *[(None, b"{}")] * 3)
            await until(lambda: total(lag) == 3 and total(lag, "tidings_lag_seconds") > 0)
            extents = await offsets.extents(extents)
            await offsets.commit(group, {place: extent.end for place, extent in extents.items()})
            await until(lambda: total(lag) == 0 and total(lag, "tidings_lag_seconds") == 0)


async def test_a_member_without_partitions_is_a_spare_as_long_as_there_is_another_member(declared: Settings) -> None:
    group = f"group-{uuid4()}"
    lag = Lag(declared.kafka_url, declared.partitions, [Following(group, (LANE,), list)])
    task = asyncio.create_task(lag.run())

    def hindrances() -> list[str]:
        return [look.hindered for look in lag.looks().values()]

    consumers = [group_consumer(declared.model_copy(update={"worker": name}), group, LANE) for name in "ab"]
    try:
        await until(lambda: hindrances() == [""])
        for consumer in consumers:
            await consumer.start()
        await until(lambda: hindrances() == ["another worker reads"])
    finally:
        task.cancel()
        await asyncio.wait([task, *(asyncio.ensure_future(consumer.stop()) for consumer in consumers)])


async def test_a_broker_that_does_not_answer_hinders_everybody_until_it_does(declared: Settings) -> None:
    def hindrances(lag: Lag) -> set[str]:
        return {look.hindered for look in lag.looks().values()}

    async with asking(declared, f"group-{uuid4()}") as lag:
        await until(lambda: hindrances(lag) == {""})
        async with frozen(declared.kafka_url):
            await until(lambda: hindrances(lag) == {AWAY})
        await until(lambda: hindrances(lag) == {""})


async def test_a_broker_that_leaves_connections_open_hinders_everybody_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closing = asyncio.Event()

    class Failing(Offsets):
        asked = False

        async def extents(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, Extent]:
            if self.asked:
                raise KafkaConnectionError
            self.asked = True
            return dict.fromkeys(places, Extent(0, 1))

        async def committed(self, group: str) -> dict[TopicPartition, int]:
            assert group == "group"
            return {}

    @asynccontextmanager
    async def unclosable(_: str) -> AsyncIterator[Offsets]:
        try:
            yield Failing("", *cast("Any", (None, None)))
        finally:
            closing.set()
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(module, "opened", unclosable)
    monkeypatch.setattr(module, "EVERY", 0.0)
    lag = Lag("", 1, [following(TopicPartition(LANE, 0))])
    asking = asyncio.create_task(lag.run())
    await closing.wait()
    assert (asking.done(), lag.away) == (False, AWAY)
    asking.cancel()
    await asyncio.wait([asking])


async def test_what_others_have_cancelled_does_not_end_the_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    times = asyncio.Semaphore(0)

    @asynccontextmanager
    async def cancelling(_: str) -> AsyncIterator[Offsets]:
        times.release()
        raise asyncio.CancelledError
        yield

    monkeypatch.setattr(module, "opened", cancelling)
    monkeypatch.setattr(module, "EVERY", 0.0)
    asking = asyncio.create_task(Lag("", 1, [following()]).run())
    for _ in range(3):
        await times.acquire()
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
