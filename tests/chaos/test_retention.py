"""Retention passes a worker that was away: it refuses, names the gap, and goes on only when told to."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.topics import EVENTS, LANES, OPERATIONS, REQUESTS
from tests.chaos.bed import RATE, Bed
from tests.chaos.beds import Beds
from tests.chaos.removing import remove_records, subjects, unread
from tests.chaos.trial import Trial
from tests.support.kafka import read
from tests.support.stack import wait_until

pytestmark = pytest.mark.chaos
AWAY = 8.0
"""Seconds of load that a worker misses."""
MISSED = 50
"""Records a partition that are removed beyond what the group had read."""
GROUPS: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "admit": [("admit", (REQUESTS,))],
    "lifecycle": [("lifecycle", (EVENTS,))],
    "deliver": [
        (f"deliver-{kind}", tuple(lane for lane in LANES if lane.endswith(kind))) for kind in ("transactional",)
    ],
    "projections": [("projections", (EVENTS,))],
}


@pytest.mark.parametrize("kind", GROUPS)
def test_a_worker_that_retention_has_passed_refuses_until_it_is_told_to_go_on(beds: Beds, kind: str) -> None:
    bed, gone = beds.get(), set[str]()
    fault, holed = f"retention passes {kind} while it is away", kind in ("lifecycle", "projections")
    with Trial(bed, fault, RATE, shown=kind == "projections", told=lambda: gone, holed=holed) as trial:
        bed.stop(kind)
        trial.go_on(AWAY)
        passed, missed = pass_by(bed, kind)
        if kind != "deliver":  # lifecycle finds these dispatches in an empty lane and queues them again
            gone |= missed
        bed.start(kind)
        bed.wait_for_refusal(kind, "removed")
        bed.stop(kind)
        with bed.worker(kind, kind, ACCEPT_GAPS="true"):
            wait_until(lambda: on_record(bed, passed), 30, lambda: f"no gap on record: {operations(bed)}")
            trial.go_on(5)
        bed.start(kind)
        trial.fault_ended()
    bed.spoiled = True  # its log no longer begins at the beginning
    assert trial.row.harm == {}


def pass_by(bed: Bed, kind: str) -> tuple[list[TopicPartition], set[str]]:
    """Remove some of what the worker has not read yet; from where, and which notifications were in it."""
    url = bed.stack.settings.kafka_url

    async def remove() -> tuple[list[TopicPartition], set[str]]:
        ranges: dict[TopicPartition, tuple[int, int]] = {}
        for group, topics in GROUPS[kind]:
            ranges |= await unread(url, group, topics, MISSED)
        missed = await subjects(url, ranges)
        await remove_records(url, {place: until for place, (_, until) in ranges.items()})
        return list(ranges), missed

    bed.ledger.read_on()
    return asyncio.run(remove())


def operations(bed: Bed) -> list[dict[str, Any]]:
    """What is on record of what was done to the system; other trials leave poison there."""
    found = []
    for record in asyncio.run(read(bed.stack.settings.kafka_url, OPERATIONS)):
        with suppress(ValueError, LookupError, TypeError, RecursionError):
            found.append(json.loads(record.value)["data"]["done"])
    return found


def on_record(bed: Bed, passed: list[TopicPartition]) -> bool:
    """Every gap."""
    told = {(done["topic"], done["partition"]) for done in operations(bed) if done["operation"] == "gap-accepted"}
    return {(place.topic, place.partition) for place in passed} <= told
