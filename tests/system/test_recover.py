"""What a stage remembers is taken away on a running stack: it refuses, is recovered from the log, nothing doubles."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.protocol.admin import DeleteGroupsRequest

from deploy.declare import declare
from deploy.stack.supervision import Supervision
from streams import deliver, lifecycle, operations
from streams.exits import Refused
from streams.folding.changelog import Changelog
from streams.folding.counts import Counts
from streams.folding.position import Found, start
from streams.folding.table import Rows
from streams.health.vitals import Vitals
from streams.kafka.offsets import Offsets, opened
from streams.recovery.rebuild import alone, rebuild
from streams.settings import Settings
from streams.topics import EVENTS, LANE_CLASSES, LANES, OPERATIONS, changelog, deliver_group
from tests.support.broker import admin
from tests.support.kafka import read
from tests.support.stack import own_stack, wait_until
from tests.system.whole import Whole

CHANGELOGS = {"lifecycle": changelog("lifecycle", "jobs"), "admit": changelog("admit", "history")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A stack whose reconciler is impatient."""
    calls = tmp_path_factory.mktemp("provider") / "calls"
    settings = {"MOCK_FAILURE_RATE": "0.2", "QUEUED_PATIENCE": "2", "SESSION_TIMEOUT": "6", "LATE_TOLERANCE": "5"}
    with own_stack(MOCK_RECORD=str(calls), **settings) as stack:
        stack.run("up", "--detach")
        yield Whole(stack, calls)


def halt(whole: Whole, name: str) -> None:
    supervision = Supervision(whole.stack.home)
    (state,) = (state for state in supervision.states() if state.name == name)
    supervision.halt(state)


def begin(whole: Whole, name: str) -> None:
    supervision = Supervision(whole.stack.home)
    (state,) = (state for state in supervision.states() if state.name == name)
    supervision.start(state)


def refuses(whole: Whole, name: str, because: str) -> None:
    """It is started, and leaves saying why; `status` says so too."""
    before = whole.stack.log(name).count(because)
    begin(whole, name)
    wait_until(lambda: whole.stack.log(name).count(because) > before, 60, lambda: whole.stack.log(name)[-2000:])
    wait_until(
        lambda: "refused" in (whole.stack.status()[name]["lastExit"] or ""), 30, lambda: str(whole.stack.status())
    )


async def lose_changelog(settings: Settings, stage: str) -> None:
    async with admin(settings.kafka_url) as client:
        await client.delete_topics([CHANGELOGS[stage]])
        while CHANGELOGS[stage] in await client.list_topics():  # noqa: ASYNC110 - Kafka tells only who asks
            await asyncio.sleep(0.1)
    await declare(settings)


async def lose_offsets(settings: Settings, stage: str) -> None:
    await alone(settings, "lifecycle" if stage == "lifecycle" else "admit")
    async with admin(settings.kafka_url) as client:
        node = await client.find_coordinator(stage)
        await client._send_request(DeleteGroupsRequest([stage]), node)


def nothing_doubled(whole: Whole) -> None:
    calls = whole.provider_calls()
    assert {times for (call, *_), times in calls.items() if call == "begun"} == {1}
    sent: dict[str, int] = {}
    for (call, name, _), times in calls.items():
        if call == "sent":
            sent[name] = sent.get(name, 0) + times
    assert set(sent.values()) == {1}


@pytest.mark.parametrize("lose", [lose_changelog, lose_offsets])
@pytest.mark.parametrize("stage", ["lifecycle", "admit"])
def test_a_lost_table_or_place_is_refused_and_rebuilt_and_nothing_is_sent_again(
    whole: Whole, stage: str, lose: type
) -> None:
    names = whole.post(range(40))
    whole.wait_until_final(names, within=120)
    halt(whole, stage)
    names += whole.publish(range(20), f"{stage}-{lose.__name__}")
    asyncio.run(lose(whole.stack.settings, stage))
    refuses(whole, stage, "which rebuilds both from the log")
    told = whole.stack.run("recover", stage).stdout
    assert "events/s" in told
    whole.wait_until_final(names, within=120)
    nothing_doubled(whole)
    rebuilt = [done for done in asyncio.run(done_to(whole.stack.settings)) if isinstance(done, operations.TableRebuilt)]
    assert [done.partition for done in rebuilt if done.stage == stage][-4:] == [0, 1, 2, 3]


async def done_to(settings: Settings) -> list[operations.Operation]:
    return [operations.read(record.value).done for record in await read(settings.kafka_url, OPERATIONS)]


@pytest.mark.parametrize("cut", ["delete_before", "commit", "applied"])
def test_a_rebuild_that_was_cut_short_is_no_table(whole: Whole, cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = whole.post(range(20))
    whole.wait_until_final(names, within=120)
    halt(whole, "lifecycle")
    settings = whole.stack.settings
    asyncio.run(alone(settings, "lifecycle"))
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise InterruptedError

        patch.setattr(Rows if cut == "applied" else Offsets, cut, die)
        with pytest.raises(InterruptedError):
            asyncio.run(rebuild(settings, "lifecycle", lambda *_: None))
    with pytest.raises(Refused, match="rebuild did not end"):
        asyncio.run(starting(settings))
    refuses(whole, "lifecycle", "rebuild did not end")
    whole.stack.run("recover", "lifecycle")
    more = whole.post(range(20))
    whole.wait_until_final(more, within=120)
    nothing_doubled(whole)


async def starting(settings: Settings) -> None:
    """What lifecycle would find in partition 0."""
    rows = Rows(lifecycle.rule(settings), CHANGELOGS["lifecycle"])
    shard = (await Changelog(settings.kafka_url, rows, Counts()).read([0], lambda: True))[0]
    place = TopicPartition(EVENTS, 0)
    async with opened(settings.kafka_url) as offsets:
        committed, extent = (await offsets.committed("lifecycle"))[place], (await offsets.extents([place]))[place]
    start(Found(committed, shard.applied, shard.fresh, len(shard.entries), *extent, shard.rebuilding), "events[0]")


def test_it_must_be_alone(whole: Whole) -> None:
    with pytest.raises(Refused, match="expected nobody in group lifecycle"):
        asyncio.run(rebuild(whole.stack.settings, "lifecycle", lambda *_: None))


async def empty_lanes(settings: Settings) -> None:
    """Retention passes deliver."""
    places = [TopicPartition(name, number) for name in LANES for number in range(settings.partitions)]
    async with admin(settings.kafka_url) as client:
        await client.delete_records({place: RecordsToDelete(-1) for place in places})


def test_lane_records_that_retention_removed_are_refused_and_queued_again(whole: Whole) -> None:
    halt(whole, "deliver")
    names = whole.publish(range(30), "removed")
    queued_all(whole, names)
    asyncio.run(empty_lanes(whole.stack.settings))
    refuses(whole, "deliver", "were removed before they were read: ACCEPT_GAPS=true goes on")
    halt(whole, "deliver")
    asyncio.run(accept(whole.stack.settings))
    gaps = [done for done in asyncio.run(done_to(whole.stack.settings)) if isinstance(done, operations.GapAccepted)]
    assert {gap.stage for gap in gaps} == {"deliver"}
    assert sum(gap.until - gap.first for gap in gaps) >= 30
    begin(whole, "deliver")
    whole.wait_until_final(names, within=120)
    nothing_doubled(whole)


def queued_all(whole: Whole, names: list[str]) -> None:
    def queued() -> bool:
        jobs = whole.jobs()
        return all(jobs.get(name, {}).get("status") == "queued" for name in names)

    wait_until(queued, 60, lambda: "not all are queued")


async def accept(settings: Settings) -> None:
    """deliver starts with ACCEPT_GAPS, for as long as it takes to find its place in every lane again."""
    accepting = settings.model_copy(update={"accept_gaps": True, "worker": "deliver", "session_timeout": 6})
    stopping = asyncio.Event()
    work = asyncio.create_task(deliver.run(accepting, stopping, Vitals()))
    while not await all_places_known(settings):  # noqa: ASYNC110 - Kafka tells only who asks
        await asyncio.sleep(0.2)
    stopping.set()
    await work


async def all_places_known(settings: Settings) -> bool:
    async with opened(settings.kafka_url) as offsets:
        extents = await offsets.extents(TopicPartition(name, n) for name in LANES for n in range(settings.partitions))
        committed: dict[TopicPartition, int] = {}
        for lane_class in LANE_CLASSES:
            committed |= await offsets.committed(deliver_group(lane_class))
    return all(committed[place] >= extent.first for place, extent in extents.items())


def test_a_lost_place_in_the_lanes_is_refused_and_recovered(whole: Whole) -> None:
    halt(whole, "deliver")
    names = whole.publish(range(30), "misplaced")
    queued_all(whole, names)
    asyncio.run(alone(whole.stack.settings, "deliver"))
    asyncio.run(forget_lanes(whole.stack.settings))
    refuses(whole, "deliver", "run `./tidings recover deliver`")
    assert "found the place again in" in whole.stack.run("recover", "deliver").stdout
    whole.wait_until_final(names, within=120)
    nothing_doubled(whole)
    assert any(isinstance(done, operations.LaneSkipped) for done in asyncio.run(done_to(whole.stack.settings)))


async def forget_lanes(settings: Settings) -> None:
    async with admin(settings.kafka_url) as client:
        node = await client.find_coordinator("deliver-transactional")
        await client._send_request(DeleteGroupsRequest(["deliver-transactional", "deliver-retries"]), node)
