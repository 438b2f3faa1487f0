"""deliver on a real Kafka and Redis: claims, outcomes, poison, and how it leaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from aiokafka import ConsumerRecord, TopicPartition

from streams import clock, codec, deliver
from streams.delivery import taker
from streams.events import Attempt, Body, Event, Personal, Request, SendFailed, Sending, Sent
from streams.health.vitals import Vitals
from streams.kafka.offsets import opened
from streams.letters import dead_letters
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS, deliver_group, lane
from tests.support.broker import renew
from tests.support.kafka import events, read, read_until, write

LANE = lane("email", "transactional")
KEY = b"recipient"


def attempt(notification: str, dispatch: int = 1) -> tuple[bytes, bytes]:
    request = Request("email", KEY.decode(), 5, Personal("ada@example.org", "hello"))
    event = Event(Attempt(dispatch, request), notification, clock.now(), "lifecycle", notification)
    return KEY, codec.encode(event)


@asynccontextmanager
async def delivering(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    stopping = asyncio.Event()
    task = asyncio.create_task(deliver.run(settings, stopping, Vitals()))
    try:
        yield task
    finally:
        stopping.set()
        await asyncio.wait([task])


@pytest.fixture(scope="module")
async def empty_topics(declared: Settings) -> None:
    """Other tests write into lanes too, and deliver refuses to guess its place in one that was used."""
    await renew(declared)


@pytest.fixture
def settings(declared: Settings, empty_topics: None, tmp_path: Path) -> Settings:  # noqa: ARG001 - made before
    changes = {"mock_failure_rate": 0.0, "mock_latency": 0.01, "mock_record": tmp_path / "calls"}
    return declared.model_copy(update={**changes, "worker": "deliver-test"})


async def story(settings: Settings, notification: str, length: int = 2) -> list[Body]:
    async with asyncio.timeout(60):
        records = await read_until(
            settings.kafka_url, EVENTS, lambda records: len(events(records, notification)) >= length
        )
    return [event.body for event in events(records, notification)]


def calls(settings: Settings) -> list[tuple[str, str]]:
    assert settings.mock_record is not None
    lines = [orjson.loads(line) for line in settings.mock_record.read_text().splitlines()]
    return [(line["notification"], line["call"]) for line in lines]


async def test_sending_is_on_the_log_before_its_outcome(settings: Settings) -> None:
    name = str(uuid4())
    async with delivering(settings):
        await write(settings.kafka_url, LANE, attempt(name))
        sending, sent = await story(settings, name)
    assert isinstance(sending, Sending)
    assert (sending.dispatch, sending.worker) == (1, settings.worker)
    assert sent == Sent(1)


async def test_a_refusal_is_a_fact_with_its_reason(settings: Settings) -> None:
    name = str(uuid4())
    async with delivering(settings.model_copy(update={"mock_failure_rate": 1.0})):
        await write(settings.kafka_url, LANE, attempt(name, 3))
        assert (await story(settings, name))[1] == SendFailed(3, "Mock provider failed for email notification")


async def test_a_dispatch_written_twice_is_called_once(settings: Settings) -> None:
    twice, after = str(uuid4()), str(uuid4())
    async with delivering(settings):
        written = attempt(twice)
        await write(settings.kafka_url, LANE, written, written, attempt(after))
        await story(settings, after)
    assert calls(settings).count((twice, "begun")) == 1


async def test_an_id_that_was_used_again_later_is_no_repeat(settings: Settings) -> None:
    again, after = str(uuid4()), str(uuid4())
    key, first = attempt(again)
    later = Event(codec.decode(first).body, again, clock.now() + timedelta(hours=2), "lifecycle", again)
    async with delivering(settings):
        await write(settings.kafka_url, LANE, (key, first), (key, codec.encode(later)), attempt(after))
        await story(settings, after)
    assert calls(settings).count((again, "begun")) == 2


async def test_what_is_no_attempt_goes_to_the_dead_letters_and_the_rest_goes_on(settings: Settings) -> None:
    before = len(await read(settings.kafka_url, DEAD_LETTERS))
    name = str(uuid4())
    misplaced = codec.encode(Event(Sent(1), name, clock.now(), "test", name))
    async with delivering(settings):
        await write(settings.kafka_url, LANE, (KEY, b"\xff poison"), (KEY, None), (KEY, misplaced), attempt(name))
        assert (await story(settings, name))[1] == Sent(1)
    letters = [orjson.loads(record.value) for record in (await read(settings.kafka_url, DEAD_LETTERS))[before:]]
    assert sorted((letter["data"]["reason"] for letter in letters), reverse=True) == [
        "undecodable",
        "undecodable",
        "invalid",
    ]
    assert {letter["data"]["source"]["name"] for letter in letters} == {LANE}


async def test_no_more_than_the_slots_are_taken_and_the_rest_waits_in_kafka(settings: Settings) -> None:
    few = settings.model_copy(update={"slots_per_lane": 2, "mock_latency": 0.2})
    names = [str(uuid4()) for _ in range(6)]
    async with delivering(few):
        await write(settings.kafka_url, LANE, *(attempt(name) for name in names))
        await story(settings, names[-1])
    in_flight = most = 0
    for _, call in calls(few):
        in_flight += 1 if call == "begun" else -1
        most = max(most, in_flight)
    assert (most, in_flight) == (2, 0)


async def test_told_to_stop_it_finishes_what_it_began_and_leaves_the_rest(settings: Settings) -> None:
    slow = settings.model_copy(update={"slots_per_lane": 1, "mock_latency": 3.0})
    first, second = str(uuid4()), str(uuid4())
    async with delivering(slow):
        await write(settings.kafka_url, LANE, attempt(first), attempt(second))
        await story(settings, first, 1)
    assert [type(body) for body in await story(settings, first)] == [Sending, Sent]
    assert events(await read(settings.kafka_url, EVENTS), second) == []
    async with delivering(settings):
        assert (await story(settings, second))[1] == Sent(1)


def test_an_attempt_of_a_newer_program_stops_it_rather_than_being_skipped() -> None:
    key, value = attempt("n")
    newer = value.replace(b"attempt.v1", b"attempt.v2")
    with pytest.raises(codec.UnknownType, match="upgrade"):
        taker.read([record(7, key, newer)], clock.now())


def test_what_is_no_event_and_what_is_none_for_a_lane_are_told_apart() -> None:
    key, good = attempt("n")
    misplaced = codec.encode(Event(Sent(1), "n", clock.now(), "test", "n"))
    values = [good, b"\xff poison", None, misplaced]
    attempts, letters = taker.read([record(at, key, value) for at, value in enumerate(values)], clock.now())
    assert [each.offset for each, _ in attempts] == [0]
    assert [dead_letters.reason(letter.value) for letter in letters] == ["undecodable", "undecodable", "invalid"]


def record(offset: int, key: bytes, value: bytes | None) -> ConsumerRecord:
    return ConsumerRecord(LANE, 0, offset, 0, 0, key, value, None, len(key), len(value or b""), [])


async def test_a_newer_program_s_attempt_ends_it_only_after_the_calls_in_flight(settings: Settings) -> None:
    slow = settings.model_copy(update={"mock_latency": 2.0})
    name = str(uuid4())
    key, value = attempt(str(uuid4()))
    try:
        async with delivering(slow) as task:
            await write(settings.kafka_url, LANE, attempt(name))
            await story(settings, name, 1)
            await write(settings.kafka_url, LANE, (key, value.replace(b"attempt.v1", b"attempt.v2")))
            await asyncio.wait([task], timeout=60)
            with pytest.raises(codec.UnknownType, match="upgrade"):
                task.result()
        assert [type(body) for body in await story(settings, name)] == [Sending, Sent]
    finally:
        await write_off(settings)


async def write_off(settings: Settings) -> None:
    """Put the groups at the lanes' ends, so that later tests don't meet the newer program's attempt."""
    async with opened(settings.kafka_url) as offsets:
        places = [TopicPartition(LANE, number) for number in range(settings.partitions)]
        group = deliver_group("transactional")
        async with asyncio.timeout(60):
            while await offsets.members(group):  # noqa: ASYNC110 - Kafka tells only who asks
                await asyncio.sleep(0.2)
        await offsets.commit(group, {place: at.end for place, at in (await offsets.extents(places)).items()})
