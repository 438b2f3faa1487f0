"""A log taken out of one stack and put into another: the same read models, nothing is sent, and it goes on working."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.stack.supervision import Supervision
from streams.topics import EVENTS
from tests.support.kafka import read, write
from tests.support.stack import own_stack, wait_until
from tests.system.whole import Whole

CALLED, UNREAD = 60, 10
MODELS = ("log", "NotificationJob", "NotificationLog", "NotificationHistory", "StatusTally", "RecipientPreferences")


@dataclass(frozen=True)
class Old:
    """What is left of the stack that was exported: its digests, its records, and two exports."""

    digests: dict[str, str]
    records: list[tuple[Any, ...]]
    open_ones: int
    parquet: Path
    jsonl: Path


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    """Calls failed, some wait for a retry, some were never queued, one record is poison; a policy is in force."""
    folder = tmp_path_factory.mktemp("exports")
    settings = {"MOCK_RECORD": str(folder / "calls"), "MOCK_FAILURE_RATE": "0.3", "RETRY_STEP": "60"}
    with own_stack(**settings) as stack:
        stack.run("up", "--detach")
        whole = Whole(stack, folder / "calls")
        body = {"rateLimit": 9}
        assert requests.put(f"{stack.http}/api/policies/actor/ada", json=body, timeout=30).status_code == 200
        whole.post(range(CALLED))
        wait_until(lambda: whole.calls_made() >= CALLED, 60, lambda: "not all are called")
        halt(whole, "lifecycle")
        accepted = whole.post(range(UNREAD))
        wait_until(lambda: whole.jobs().keys() >= set(accepted), 60, lambda: "not all are accepted")
        asyncio.run(write(stack.settings.kafka_url, EVENTS, (b"k", b"\xff")))
        halt(whole, "deliver")
        yield exported(whole, folder)


def exported(whole: Whole, folder: Path) -> Old:
    for name, options in (("parquet", ()), ("jsonl", ("--format", "jsonl"))):
        whole.stack.run("export", str(folder / name), *options)
    report = json.loads(whole.stack.run("audit", "--json", check=False).stdout)
    open_ones = [job for job in whole.jobs().values() if job["status"] not in ("sent", "failed")]
    digests, lie = {name: report["digests"][name] for name in MODELS}, records(whole)
    whole.stack.run("down")
    return Old(digests, lie, len(open_ones), folder / "parquet", folder / "jsonl")


def records(whole: Whole) -> list[tuple[Any, ...]]:
    """All of the log, as it lies."""
    found = asyncio.run(read(whole.stack.settings.kafka_url, EVENTS))
    lie = [(one.partition, one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in found]
    return sorted(lie, key=lambda one: one[:2])


def processes(whole: Whole) -> dict[str, int | None]:
    """Who runs."""
    return {state.name: state.pid for state in Supervision(whole.stack.home).states()}


def halt(whole: Whole, name: str) -> None:
    supervision = Supervision(whole.stack.home)
    (state,) = (state for state in supervision.states() if state.name == name)
    supervision.halt(state)


@pytest.fixture(scope="module")
def whole(old: Old, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A running stack into which the export was put; its reconciler is impatient."""
    calls = tmp_path_factory.mktemp("provider") / "calls"
    settings = {"QUEUED_PATIENCE": "2", "LATE_TOLERANCE": "2", "SESSION_TIMEOUT": "6", "MOCK_FAILURE_RATE": "0.2"}
    with own_stack(MOCK_RECORD=str(calls), **settings) as stack:
        stack.run("up", "--detach")
        stack.run("import", str(old.parquet))
        yield Whole(stack, calls)


def audit(whole: Whole) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(whole.stack.run("audit", "--json", check=False).stdout)
    return report


def test_the_digest_in_the_manifest_is_the_audits(whole: Whole, old: Old) -> None:
    for folder in (old.parquet, old.jsonl):
        assert "is as it was exported" in whole.stack.run("import", str(folder), "--check").stdout
        assert json.loads((folder / "manifest.json").read_text())["digest"] == old.digests["log"]


def test_the_log_and_the_read_models_are_the_same_and_the_audit_is_clean(whole: Whole, old: Old) -> None:
    assert old.open_ones >= UNREAD + 3
    report = audit(whole)
    assert (report["clean"], report["findings"]) == (True, [])
    assert {name: report["digests"][name] for name in MODELS} == old.digests
    stored = report["stored"] | {"log": report["digests"]["log"]}
    assert {name: stored[name] for name in MODELS} == old.digests
    assert records(whole) == old.records
    assert [one["about"] for one in requests.get(f"{whole.stack.http}/api/policies", timeout=30).json()] == ["ada"]


def test_the_system_works_on_and_sends_nothing_of_it_not_even_after_a_recovery(whole: Whole) -> None:
    names = goes_on(whole, [])
    whole.stack.run("recover", "lifecycle")
    goes_on(whole, names)
    assert audit(whole)["findings"] == []


def test_where_something_is_nothing_is_imported(whole: Whole, old: Old) -> None:
    before = records(whole), processes(whole)
    again = whole.stack.run("import", str(old.parquet), check=False)
    assert (again.returncode, "expected empty read models" in again.stdout) == (1, True), again.stdout
    assert (records(whole), processes(whole)) == before


def test_a_broken_file_is_refused_while_all_goes_on(whole: Whole, old: Old, tmp_path: Path) -> None:
    broken = shutil.copytree(old.jsonl, tmp_path / "broken")
    file = next(path for path in broken.glob("*.jsonl*") if path.stat().st_size > 100)
    file.write_bytes(file.read_bytes()[:-50])
    before = processes(whole)
    refused = whole.stack.run("import", str(broken), check=False)
    assert (refused.returncode, file.name in refused.stdout.replace("\n", "")) == (1, True), refused.stdout
    assert processes(whole) == before


def goes_on(whole: Whole, before: list[str]) -> list[str]:
    """New notifications are delivered, and they are all that ever was."""
    names = before + whole.post(range(20))
    whole.wait_until_final(names, within=120)
    assert {name for _, name, _ in whole.provider_calls()} == set(names)
    return names
