"""`./tidings audit` on a whole stack that has worked: what it prints, and what it exits with."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymongo
import pytest

from tests.support.stack import OwnStack, own_stack, wait_until

COUNT = 150
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def worked() -> Iterator[OwnStack]:
    """Up, and all of its notifications have ended."""
    with own_stack(MOCK_LATENCY="0.01", RETRY_STEP="0.2") as stack:
        stack.run("up", "--detach")
        with ThreadPoolExecutor(8) as clients:
            list(clients.map(lambda number: stack.post(f"user{number % 7}@example.org"), range(COUNT)))

        def ended() -> bool:
            with pymongo.MongoClient[dict[str, Any]](stack.settings.mongo_url) as client:
                jobs = client[stack.settings.mongo_database]["NotificationJob"]
                return jobs.count_documents({"status": {"$in": ["sent", "failed"]}}) == COUNT

        wait_until(ended, 120, lambda: "not all have ended")
        yield stack


def audit(stack: OwnStack, *more: str) -> tuple[int, dict[str, Any]]:
    done = stack.run("audit", "--json", *more, check=False)
    return done.returncode, json.loads(done.stdout)


def test_a_stack_that_has_worked_is_clean_twice_with_the_same_digests(worked: OwnStack) -> None:
    code, report = audit(worked)
    assert (code, report["clean"], report["findings"]) == (0, True, [])
    counts = report["counts"]
    assert counts["requests"] == counts["accepted"] == counts["sent"] + counts["failed"] == COUNT
    assert counts["open"] == counts["sendLost"] == counts["repeated"] == counts["lostToGaps"] == 0
    assert {**report["stored"], "log": report["digests"]["log"]} == report["digests"]
    assert audit(worked)[1]["digests"] == report["digests"]


def test_a_person_gets_tables(worked: OwnStack) -> None:
    assert "clean" in worked.run("audit").stdout


def test_a_deleted_document_is_named_and_the_exit_code_tells(worked: OwnStack) -> None:
    with pymongo.MongoClient[dict[str, Any]](worked.settings.mongo_url) as client:
        jobs = client[worked.settings.mongo_database]["NotificationJob"]
        document = jobs.find_one_and_delete({})
        assert document is not None
        try:
            code, report = audit(worked)
            assert (code, [finding["kind"] for finding in report["findings"]]) == (1, ["job-missing"])
            assert report["findings"][0]["id"] == document["_id"]
            assert document["_id"] in worked.run("audit", check=False).stdout.replace("\n", "")
            assert audit(worked, "--no-read-models")[0] == 0
        finally:
            jobs.insert_one(document)


def test_servers_that_do_not_answer_are_no_finding() -> None:
    with own_stack(KAFKA_URL="kafka://127.0.0.1:1", MONGO_URL="mongodb://127.0.0.1:1/") as stack:
        done = stack.run("audit", check=False)
    assert done.returncode == 2
    assert "is the stack up?" in done.stdout.replace("\n", " ")
