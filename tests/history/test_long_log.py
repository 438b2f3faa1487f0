"""A long log is folded again, told again, taken out, put in elsewhere and asked about; nothing of it is sent."""

import asyncio
import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
import requests

from projections.present import jobs
from projections.present.jobs import Standing
from projections.reading import Item, read
from streams.clock import iso
from streams.topics import EVENTS
from tests.chaos.bed import Bed
from tests.chaos.trial import Trial
from tests.projections.rebuild.given import program, rebuilding
from tests.support import kafka
from tests.support.broker import declare
from tests.support.stack import own_stack, wait_until

pytestmark = pytest.mark.history
WRONG = """
from projections.present import batch, jobs
from projections.rebuild import folding
folding.ALONE = 1 << 60  # here, and not in processes that know nothing of it
right = jobs.changes
jobs.changes = batch.changes = lambda standing: right(standing) | {"attempts": 7}
"""
"""A fold that is mistaken, and does not say that it is another one."""
MOMENTS = 8
GENTLE = 100.0
"""Notifications a second: each is folded twice while there are two copies of all read models."""


@pytest.fixture
def quiet(aged: Bed) -> Iterator[Bed]:
    """Whatever is done, the provider's record and the log are after it what they were before."""
    before, events = aged.calls_size(), aged.ledger.events
    yield aged
    aged.ledger.read_on()
    assert (aged.calls_size(), aged.ledger.events) == (before, events)


def audit(bed: Bed) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(bed.stack.run("audit", "--json", check=False).stdout)
    said(f"audit: {report['eventsPerSecond']:,} events/s, {report['seconds']:.1f} s in all")
    assert report["findings"] == []
    assert report["clean"]
    return report


def said(*lines: str) -> None:
    """Figures for whoever runs it."""
    print("\n" + "\n".join(lines))  # noqa: T201


def rebuilt(bed: Bed) -> None:
    done = bed.stack.run("rebuild", "all", "--yes", "--why", "a test")
    said(*(line for line in done.stdout.splitlines() if "folded" in line))


def test_a_wrong_fold_is_refused(quiet: Bed) -> None:
    with program(quiet.stack.settings, WRONG, rebuilding("NotificationJob")) as mistaken:
        output, _ = mistaken.communicate(timeout=240)
    assert output == "refused\n"
    assert audit(quiet)["stored"]
    quiet.stack.run("rebuild", "NotificationJob", "--drop", "--why", "a test")


def test_killed_half_way_a_rebuild_goes_on_and_two_have_the_same_digests(quiet: Bed) -> None:
    began = audit(quiet)
    killed = subprocess.Popen(
        quiet.stack.command("rebuild", "all", "--yes"),
        env=quiet.stack.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: shadow(quiet, "NotificationJob_") > 1000, 120, lambda: "no document of a shadow is written")
    assert killed.poll() is None, "it was too quick to be killed"
    subprocess.run(["pkill", "-KILL", "--session", str(killed.pid)], check=True)
    assert killed.wait() == -signal.SIGKILL
    rebuilt(quiet)
    once = audit(quiet)
    quiet.stack.run("rebuild", "all", "--drop", "--why", "a test")
    rebuilt(quiet)
    twice = audit(quiet)
    assert began["stored"] == once["stored"] == twice["stored"]
    assert twice["stored"].items() <= twice["digests"].items()
    quiet.stack.run("rebuild", "all", "--drop", "--why", "a test")


def shadow(bed: Bed, prefix: str) -> int:
    """How many documents the newest copy has so far."""
    settings = bed.stack.settings
    with pymongo.MongoClient[dict[str, Any]](settings.mongo_url) as client:
        base = client[settings.mongo_database]
        copies = [name for name in base.list_collection_names() if name.startswith(prefix)]
        return max((base[name].estimated_document_count() for name in copies), default=0)


def test_every_event_is_told_again_and_none_is_sent(quiet: Bed) -> None:
    asyncio.run(declare(quiet.stack.settings.kafka_url, "mine"))
    began = time.monotonic()
    done = quiet.stack.run("replay", "start", "--into", "topic:mine", "--yes", "--rate", "100000", "--why", "a test")
    said(f"replay: {quiet.ledger.events / (time.monotonic() - began):,.0f} events/s")
    log, told = [
        [json.loads(record.value)["id"] for record in asyncio.run(kafka.read(quiet.stack.settings.kafka_url, topic))]
        for topic in (EVENTS, "mine")
    ]
    assert "done" in done.stdout
    assert Counter(told) == Counter(log)


def test_as_of_any_time_the_counts_are_the_fold_of_what_had_happened(quiet: Bed) -> None:
    records = asyncio.run(kafka.read(quiet.stack.settings.kafka_url, EVENTS))
    log = [one for record in records if isinstance(one := read(record), Item)]
    times = sorted(item.event.time for item in log)
    for moment in [*times[:: len(times) // MOMENTS], times[-1] + timedelta(milliseconds=1)]:
        wanted = Counter(one.status for one in then(log, moment).values())
        answer = requests.get(f"{quiet.stack.http}/api/notifications/counts", {"at": iso(moment)}, timeout=30)
        assert {status: count for status, count in answer.json().items() if count} == wanted


def then(log: list[Item], moment: datetime) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    for event, place in log:
        if event.time <= moment and (after := jobs.evolve(found.get(event.notification), event, place)):
            found[event.notification] = after
    return found


def test_whatif_tells_what_was_and_what_would_have_been(quiet: Bed) -> None:
    done = quiet.stack.run("whatif", "--max-attempts", "1", "--json")
    report = json.loads(done.stdout[done.stdout.index("{") :])
    said(json.dumps(report)[:600])
    assert report


def test_taken_out_and_put_in_elsewhere_the_read_models_are_the_same_and_nothing_is_sent(
    quiet: Bed, tmp_path: Path
) -> None:
    old = audit(quiet)
    began = time.monotonic()
    quiet.stack.run("export", str(tmp_path / "export"))
    exported = time.monotonic()
    calls = tmp_path / "calls"
    with own_stack(MOCK_RECORD=str(calls)) as other:
        other.run("up", "--detach")
        begin = time.monotonic()
        other.run("import", str(tmp_path / "export"))
        said(f"export {exported - began:.1f} s, import {time.monotonic() - begin:.1f} s")
        new = json.loads(other.run("audit", "--json", check=False).stdout)
        assert (new["clean"], new["findings"]) == (True, [])
        assert new["digests"]["log"] == old["digests"]["log"]
        assert new["stored"] == old["stored"]
    assert calls.read_bytes() == b""


def test_under_load_readers_go_over_and_back_and_nothing_is_lost_or_doubled(aged: Bed) -> None:
    """The last one: it adds to the log."""
    with Trial(aged, "rebuild, roll-back and drop under load", GENTLE) as trial:
        rebuilt(aged)
        aged.stack.run("rebuild", "all", "--rollback", "--why", "a test")
        trial.go_on(5)
        aged.stack.run("rebuild", "all", "--drop", "--why", "a test")
        trial.fault_ended()
    assert trial.row.harm == {}
