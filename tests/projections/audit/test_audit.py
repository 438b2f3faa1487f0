"""The whole audit on real servers: clean when all is well, and whatever is done to the database or a lane is named."""

from typing import Any

import pytest
from aiokafka import TopicPartition

from projections.audit import worker
from projections.audit.audit import Options, audit
from projections.audit.report import Report
from streams.clock import now
from streams.events import Accepted, Attempt, Event, Origin, Personal, Queued, Request
from streams.kafka.offsets import opened
from streams.kafka.publisher import Publisher
from streams.record import Record
from streams.settings import Settings
from streams.topics import EVENTS, REQUESTS, lane
from tests.projections.audit.conftest import project
from tests.projections.stored import opened as database
from tests.support import kafka

pytestmark = pytest.mark.integration
LANE = lane("email", "transactional")


class Silent:
    def begin(self, what: str, total: int | None = None) -> None:
        pass

    def done(self, count: int) -> None:
        pass


async def audited(settings: Settings, *, read_models: bool = True, catch_up: float = 30) -> Report:
    return await audit(settings, Options(read_models=read_models, catch_up=catch_up), Silent())


def found(report: Report) -> list[tuple[str, str]]:
    return [(finding.kind, finding.id) for finding in report.findings]


async def an_id(settings: Settings) -> str:
    async with database(settings) as base:
        return str((await base.NotificationJob.find_one({"status": "sent"}))["_id"])


async def commit_all(settings: Settings, group: str, topic: str) -> None:
    async with opened(settings.kafka_url) as offsets:
        places = [TopicPartition(topic, partition) for partition in range(settings.partitions)]
        extents = await offsets.extents(places)
        await offsets.commit(group, {place: extent.end for place, extent in extents.items()})


async def publish(settings: Settings, *records: Record) -> None:
    publisher = Publisher(settings.kafka_url)
    await publisher.start()
    await publisher.publish(records)
    await publisher.stop()


async def test_a_system_that_has_worked_off_all_is_clean_however_often_it_is_asked(worked_off: Settings) -> None:
    first, second = await audited(worked_off), await audited(worked_off)
    assert found(first) == []
    counts = first.counts
    assert counts["accepted"] == counts["requests"] == counts["sent"] + counts["failed"] > 50
    assert counts["open"] == counts["requestsUnread"] == 0
    assert first.digests == second.digests
    assert {"log": first.digests["log"], **first.stored} == first.digests


async def test_without_read_models_the_log_is_proved_all_the_same(worked_off: Settings) -> None:
    whole, proof = await audited(worked_off), await audited(worked_off, read_models=False)
    assert found(proof) == []
    assert proof.counts == {name: whole.counts[name] for name in proof.counts}
    assert proof.digests == {name: whole.digests[name] for name in ("log", "NotificationJob", "NotificationLog")}


async def test_a_long_log_is_read_by_several_processes_with_the_same_result(
    worked_off: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = await audited(worked_off)
    monkeypatch.setattr(worker, "ALONE", 0)
    together = await audited(worked_off)
    assert (together.counts, together.digests, found(together)) == (alone.counts, alone.digests, [])


async def test_a_changed_document_is_named_with_what_differs(worked_off: Settings) -> None:
    name = await an_id(worked_off)
    async with database(worked_off) as base:
        await base.NotificationJob.update_one({"_id": name}, {"$set": {"message": "other", "attempts": 7}})
    report = await audited(worked_off)
    assert found(report) == [("job-differs", name)]
    (finding,) = report.findings
    assert "attempts, message" in finding.detail
    assert [field.stored for field in finding.fields] == [7, "other"]
    assert report.stored["NotificationJob"] != report.digests["NotificationJob"]


async def test_a_read_model_that_left_events_out_is_named(worked_off: Settings) -> None:
    async with database(worked_off) as base:
        await base.positions.update_one({"_id": "NotificationHistory:0"}, {"$set": {"skipped": 2}})
    report = await audited(worked_off)
    assert found(report) == [("skipped", "NotificationHistory:0")]
    assert "left out 2 events" in next(iter(report.findings)).detail


async def test_a_deleted_document_is_named(worked_off: Settings) -> None:
    name = await an_id(worked_off)
    async with database(worked_off) as base:
        await base.NotificationJob.delete_one({"_id": name})
    assert found(await audited(worked_off)) == [("job-missing", name)]


async def test_a_document_of_nobody_is_named(worked_off: Settings) -> None:
    async with database(worked_off) as base:
        document = await base.NotificationJob.find_one()
        await base.NotificationJob.insert_one(document | {"_id": "nobody", "seq": "0"})
    assert found(await audited(worked_off)) == [("job-unexpected", "nobody")]


async def test_deleted_changed_and_added_lines_of_stories_are_named(worked_off: Settings) -> None:
    name = await an_id(worked_off)
    async with database(worked_off) as base:
        line = await base.NotificationLog.find_one({"_id": f"{name}:sent:1"}) or await base.NotificationLog.find_one(
            {"jobId": name, "event": "sent"}
        )
        await base.NotificationLog.delete_one({"_id": line["_id"]})
        await base.NotificationLog.update_one({"_id": f"{name}:accepted:0"}, {"$set": {"details.priority": "none"}})
        await base.NotificationLog.insert_one(line | {"_id": f"{name}:sent:77"})
        await base.NotificationLog.insert_one(line | {"_id": "nobody:sent:1", "jobId": "nobody"})
    report = await audited(worked_off)
    assert sorted(found(report)) == [
        ("entry-differs", name),
        ("entry-missing", name),
        ("entry-unexpected", name),
        ("entry-unexpected", "nobody"),
    ]


async def test_wrong_counters_are_found(worked_off: Settings) -> None:
    async with database(worked_off) as base:
        await base.positions.update_one({"_id": "NotificationJob:0"}, {"$set": {"counts.sent": 1_000_000}})
    report = await audited(worked_off)
    assert found(report) == [("counters", "NotificationJob:0")]
    assert next(iter(report.findings)).detail.startswith("counts sent 1000000, the log says ")


async def test_read_models_that_are_behind_are_told_and_not_compared(worked_off: Settings) -> None:
    await publish(worked_off, _on_the_log(_accepted(), b"k"))
    report = await audited(worked_off, catch_up=0.1)
    assert {kind for kind, _ in found(report)} == {"behind"}
    assert found(await audited(worked_off, read_models=False)) == []


async def test_a_group_that_has_read_past_an_end_is_found(worked_off: Settings) -> None:
    async with opened(worked_off.kafka_url) as offsets:
        place = TopicPartition(EVENTS, 0)
        end = (await offsets.extents([place]))[place].end
        await offsets.commit("lifecycle", {place: end + 4})
    assert ("beyond-end", f"{EVENTS}[0]") in found(await audited(worked_off))


async def test_a_lost_lane_record_is_a_stuck_job(worked_off: Settings) -> None:
    accepted = _accepted()
    queued = accepted.then(Queued(1, LANE), "lifecycle")
    await publish(worked_off, _on_the_log(accepted, b"k"), _on_the_log(queued, b"k"))
    assert found(await audited(worked_off, read_models=False)) == []  # lifecycle may still write it
    await commit_all(worked_off, "lifecycle", EVENTS)
    await project(worked_off)
    assert found(await audited(worked_off)) == [("stuck", "late")]
    attempt = queued.then(Attempt(1, accepted.body.request), "lifecycle")
    await publish(worked_off, Record.of(attempt, LANE, b"k"))
    report = await audited(worked_off)
    assert found(report) == []
    assert report.counts["open"] == 1


async def test_a_request_without_an_outcome_is_found(worked_off: Settings) -> None:
    await kafka.write(worked_off.kafka_url, REQUESTS, (b"k", b"a request that admit skips"))
    assert (await audited(worked_off)).counts["requestsUnread"] == 1
    await commit_all(worked_off, "admit", REQUESTS)
    assert [kind for kind, _ in found(await audited(worked_off))] == ["not-covered"]


async def test_poison_with_its_dead_letter_is_clean(worked_off: Settings) -> None:
    await kafka.write(worked_off.kafka_url, EVENTS, (b"k", b"poison"))
    await commit_all(worked_off, "lifecycle", EVENTS)
    await project(worked_off)
    report = await audited(worked_off)
    assert found(report) == []
    assert report.counts["deadLetters"] == {"open": 1, "redriven": 0, "dropped": 0}
    assert report.counts["poison"] == 1


def _accepted() -> Event[Accepted]:
    """Of a request that is in no partition there is, so that no other outcome can be of it."""
    request = Request("email", "k", 5, Personal("ada@example.org", "hello"))
    return Event(Accepted(request, "transactional", Origin(99, 0)), "late", now(), "admit", "late")


def _on_the_log(event: Event[Any], key: bytes) -> Record:
    return Record.of(event, EVENTS, key)
