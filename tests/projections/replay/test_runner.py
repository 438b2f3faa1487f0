"""The process that works on replays, on real servers: what comes is what was counted, from where it was."""

import time
from collections import Counter
from collections.abc import AsyncIterator

import msgspec
import pytest
from pymongo import AsyncMongoClient

from projections.replay.ranges import LEAD
from streams.codec import encode
from streams.events import KINDS, Failed, Sent, Settled
from streams.intake.requests import recipient_key
from streams.operations import ReplayCancelled, ReplayPaused, ReplayResumed
from streams.replays import Order, Selection
from streams.settings import Settings
from streams.topics import EVENTS, LANES
from tests.projections.lives import Events, at, many
from tests.projections.replay.conftest import Hook, Replays, eventually
from tests.projections.stored import publish
from tests.support import kafka
from tests.support.broker import admin, declare

pytestmark = pytest.mark.integration

LOG = many(60)
FAST = 100_000.0
ALL = Selection()


@pytest.fixture(autouse=True)
async def _log(settings: Settings) -> None:
    await publish(settings, LOG)


@pytest.fixture
async def topic(settings: Settings) -> AsyncIterator[str]:
    name = "mine.again"
    await declare(settings.kafka_url, name)
    yield name
    async with admin(settings.kafka_url) as client:
        await client.delete_topics([name])


def types(events: Events) -> Counter[str]:
    return Counter(KINDS[type(one.body)] for one in events)


async def test_a_topic_gets_what_was_counted_in_order_and_marked(
    settings: Settings, replays: Replays, topic: str
) -> None:
    await replays.ask("r", Order(Selection(statuses=("sent", "failed")), f"topic:{topic}", FAST))
    async with replays.working():
        replay = await replays.state("r", "done")
    wanted = [one for one in LOG if isinstance(one.body, Sent | Settled | Failed)]
    assert replay.counts == types(wanted)
    assert replay.delivered == replay.total == len(wanted)
    told, log = await kafka.read(settings.kafka_url, topic), await kafka.read(settings.kafka_url, EVENTS)
    assert sorted(msgspec.json.decode(record.value)["id"] for record in told) == sorted(one.id for one in wanted)
    originals = {record.value: record for record in log}
    for record in told:
        head, _, tail = record.value.partition(b",")
        assert head == b'{"tidingsreplay":"r"'
        assert record.key == originals[b"{" + tail].key
    per_key = {record.key: [one.value for one in told if one.key == record.key] for record in told}
    for key, values in per_key.items():
        assert [b"{" + value.partition(b",")[2] for value in values] == [
            record.value for record in log if record.key == key and record.value in {encode(one) for one in wanted}
        ]


async def test_a_collection_gets_each_event_once_however_often_it_is_replayed(
    settings: Settings, replays: Replays
) -> None:
    for name in ("first", "second"):
        await replays.ask(name, Order(ALL, "collection:everything", FAST))
        async with replays.working():
            await replays.state(name, "done")
    async with AsyncMongoClient[dict[str, object]](settings.mongo_url) as client:
        base = client[f"{settings.mongo_database}-replays"]
        found = await base["everything"].find().to_list()
        await client.drop_database(base.name)
    assert sorted(str(one["_id"]) for one in found) == sorted({one.id for one in LOG})
    assert Counter(one["kind"] for one in found) == types(list({one.id: one for one in LOG}.values()))
    assert {one["replay"] for one in found} == {"first"}


async def test_a_webhook_gets_events_marked_in_header_and_event_and_a_fault_that_passes_is_waited_out(
    replays: Replays, hook: Hook
) -> None:
    hook.answers = [503, 500]
    await replays.ask("r", Order(Selection(notification="n1"), hook.url, FAST))
    async with replays.working():
        replay = await replays.state("r", "done")
    wanted = [one.id for one in LOG if one.notification == "n1"]
    assert [event["id"] for _, event in hook.got] == wanted
    assert {header for header, _ in hook.got} == {event["tidingsreplay"] for _, event in hook.got} == {"r"}
    assert (replay.delivered, hook.posts) == (len(wanted), len(wanted) + 2)


async def test_a_webhook_that_refuses_ends_it_with_the_reason_and_resumed_it_goes_on(
    replays: Replays, hook: Hook
) -> None:
    hook.answers = [410]
    await replays.ask("r", Order(Selection(notification="n1"), hook.url, FAST))
    async with replays.working():
        failed = await replays.state("r", "failed")
        assert "with 410 b'so be it'" in failed.error
        await replays.say(ReplayResumed("r"))
        replay = await replays.state("r", "done")
    assert replay.error == ""
    assert [event["id"] for _, event in hook.got] == [one.id for one in LOG if one.notification == "n1"]


async def test_a_preview_waits_and_a_paused_one_goes_on_where_it_was(replays: Replays, hook: Hook) -> None:
    await replays.ask("r", Order(ALL, hook.url, 100.0, preview=True))
    async with replays.working():
        ready = await replays.state("r", "ready")
        assert (ready.counts, hook.posts) == (types(LOG), 0)
        await replays.say(ReplayResumed("r"))
        await eventually(lambda: hook.posts > 20)
        await replays.say(ReplayPaused("r"))
        paused = await replays.until("r", lambda replay: replay.state == "paused" and bool(replay.reached))
        assert 20 <= paused.delivered == len(hook.got) < len(LOG)
        await replays.say(ReplayResumed("r"))
        await replays.state("r", "done")
    assert sorted(event["id"] for _, event in hook.got) == sorted(one.id for one in LOG)


async def test_it_is_no_faster_than_asked_for(replays: Replays, hook: Hook) -> None:
    wanted, rate = [one for one in LOG if isinstance(one.body, Sent)], 20.0
    await replays.ask("r", Order(Selection(types=("sent",)), hook.url, rate))
    async with replays.working():
        await eventually(lambda: hook.posts > 0)
        began = time.monotonic()
        await replays.state("r", "done")
    assert time.monotonic() - began > (len(wanted) - 3) / rate


async def test_a_cancelled_one_ends_and_one_that_was_stopped_goes_on_with_the_next_process(
    replays: Replays, hook: Hook
) -> None:
    for name in ("goes on", "ends"):
        await replays.ask(name, Order(ALL, hook.url, 50.0))
    async with replays.working():
        await eventually(lambda: hook.posts > 20)
        await replays.say(ReplayCancelled("ends"))
        await replays.state("ends", "cancelled")
    stopped = await replays.until("goes on", lambda replay: bool(replay.reached))
    assert 0 < stopped.delivered < len(LOG)
    async with replays.working():
        await replays.state("goes on", "done")
    got = Counter(header for header, _ in hook.got)
    assert got["goes on"] == len(LOG)
    assert got["ends"] < len(LOG)


async def test_a_recipient_is_found_by_their_key_and_a_time_by_the_events_own(replays: Replays, hook: Hook) -> None:
    since, until = at(10), at(30)
    await replays.ask("time", Order(Selection(since=since, until=until), hook.url, FAST))
    await replays.ask("nobody", Order(Selection(recipient_key=recipient_key("nobody", "s")), hook.url, FAST))
    async with replays.working():
        await replays.state("time", "done")
        nobody = await replays.state("nobody", "done")
    assert sorted(event["id"] for _, event in hook.got) == sorted(one.id for one in LOG if since <= one.time < until)
    assert (nobody.total, len(nobody.extents)) == (0, 1)


async def test_what_was_written_long_before_is_not_even_read(replays: Replays, hook: Hook) -> None:
    future = max(record.timestamp for record in await kafka.read(replays.settings.kafka_url, EVENTS)) / 1000
    since = at(0).fromtimestamp(future + LEAD.total_seconds() + 60, tz=at(0).tzinfo)
    await replays.ask("r", Order(Selection(since=since), hook.url, FAST))
    async with replays.working():
        replay = await replays.state("r", "done")
    assert replay.total == 0
    assert all(first == end for first, end in replay.extents.values())


@pytest.mark.parametrize("into", [f"topic:{EVENTS}", f"topic:{LANES[0]}", "topic:nobodys", "nonsense"])
async def test_what_somebody_put_on_record_that_can_not_be_fails_and_writes_nothing(
    settings: Settings, replays: Replays, into: str
) -> None:
    before = len(await kafka.read(settings.kafka_url, EVENTS))
    await replays.ask("r", Order(ALL, into, FAST))
    async with replays.working():
        failed = await replays.state("r", "failed")
    assert "expected" in failed.error or "Tidings' own" in failed.error
    assert len(await kafka.read(settings.kafka_url, EVENTS)) == before
