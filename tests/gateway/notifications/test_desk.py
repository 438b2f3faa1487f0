"""Every row of what the gateway answers, over real HTTP, from a real database and a real Redis."""

import re
import time

import pytest
import redis

from projections.schema import declare
from streams.settings import Settings
from tests.gateway.conftest import Serve
from tests.gateway.filled import leave_pending, store
from tests.gateway.lists import get, ids, pages, rows
from tests.projections.killable import KillableMongo
from tests.projections.lives import accepted, at, life, many, request, suppressed
from tests.support.runtime import Runtime

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOT_FOUND = (404, {"message": "Job not found"})


def test_a_job_is_the_full_document_under_both_names_of_its_id(settings: Settings, url: str) -> None:
    store(settings, life(accepted("n-1", 1), "fs"))
    answer = get(f"{url}/n-1")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "id": "n-1",
        "_id": "n-1",
        "type": "email",
        "recipient": "ada@example.org",
        "message": "hello",
        "metadata": {"order": 4711},
        "maxAttempts": 3,
        "priority": "transactional",
        "createdAt": "2026-01-01T00:00:01.000Z",
        "status": "sent",
        "attempts": 1,
        "lastError": "refused the 1. time",
        "updatedAt": "2026-01-01T00:00:02.400Z",
    }


def test_a_suppressed_one_is_there_with_its_reason(settings: Settings, url: str) -> None:
    store(settings, [suppressed("n-1")])
    job = get(f"{url}/n-1").json()
    assert (job["status"], job["reason"], job["duplicateOf"]) == ("suppressed", "duplicate", "other")


@pytest.mark.parametrize("name", ["nobody", "..%2f..", "%00", "%ff%fe", "a%20b", "x" * 5000, "{}", "$where", "[]"])
@pytest.mark.parametrize("what", ["", "/log", "/why"])
def test_an_unknown_or_malformed_id_is_not_found(url: str, name: str, what: str) -> None:
    answer = get(f"{url}/{name}{what}")
    assert (answer.status_code, answer.json()) == NOT_FOUND or "%2f" in name


def test_the_list_is_the_newest_hundred_newest_first(settings: Settings, url: str) -> None:
    store(settings, [accepted(f"n{number}", number) for number in range(130)])
    answer = get(url)
    assert ids(answer) == [f"n{number}" for number in range(129, 29, -1)]
    assert all(ISO.fullmatch(row["createdAt"]) for row in answer.json())


def test_an_empty_list_is_an_empty_array_without_a_next_page(url: str) -> None:
    answer = get(url)
    assert (answer.status_code, answer.json(), "Link" in answer.headers) == (200, [], False)


def test_the_list_crosses_quiet_years(settings: Settings, url: str) -> None:
    store(settings, [accepted("old", -(10**9)), accepted("new")])
    assert ids(get(url)) == ["new", "old"]


def test_lists_are_filtered_by_status_type_and_recipient_alone_and_together(settings: Settings, url: str) -> None:
    store(settings, many(60))
    whole = rows(get(url))
    assert len(whole) == 60
    for chosen in (
        {"status": "sent"},
        {"type": "sms"},
        {"recipient": "user3@example.org"},
        {"status": "failed", "type": "email"},
        {"status": "sent", "type": "push", "recipient": "user2@example.org"},
    ):
        wanted = [row["id"] for row in whole if chosen.items() <= row.items()]
        assert ids(get(url, **chosen)) == wanted
        assert [name for page in pages(url, **chosen, limit=3) for name in ids(page)] == wanted


def test_pages_together_hold_everything_once_while_new_ones_arrive(settings: Settings, url: str) -> None:
    store(settings, [accepted(f"n{number}", number // 5) for number in range(50)])
    seen = []
    for number, page in enumerate(pages(url, limit=7)):
        assert len(ids(page)) <= 7
        seen += ids(page)
        store(settings, [accepted(f"late{number}", 100 + number)])
    assert sorted(seen) == sorted(f"n{number}" for number in range(50))


@pytest.mark.parametrize("name", ["status", "type", "limit", "cursor"])
def test_a_wrong_parameter_is_a_400_that_says_which_and_what_is_expected(url: str, name: str) -> None:
    answer = get(url, **{name: "wrong"})
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["message"].startswith(f"{name} must be ")
    assert [detail["field"] for detail in problem["details"]] == [name]


def test_the_log_is_told_from_the_oldest_on(settings: Settings, url: str) -> None:
    store(settings, life(accepted("n-1"), "fs"))
    lines = get(f"{url}/n-1/log").json()
    told = [line["event"] for line in lines]
    assert told == ["created", "queued", "sending", "retry_scheduled", "sending", "sent"]
    assert lines[3] == {
        "id": "n-1:retry-scheduled:1",
        "_id": "n-1:retry-scheduled:1",
        "jobId": "n-1",
        "event": "retry_scheduled",
        "details": {
            "dispatch": 1,
            "attempts": 1,
            "error": "refused the 1. time",
            "delayMs": 1000,
            "notBefore": "2026-01-01T00:00:01.200Z",
        },
        "createdAt": "2026-01-01T00:00:00.200Z",
    }


def test_what_was_just_accepted_can_be_read_at_once(settings: Settings, url: str, kept: redis.Redis) -> None:
    leave_pending(kept, settings, "p-1")
    job = get(f"{url}/p-1").json()
    assert (job["id"], job["status"], job["createdAt"]) == ("p-1", "pending", "2026-01-01T00:00:00.000Z")
    assert get(url).json() == [job]
    assert (get(f"{url}/p-1/log").status_code, get(f"{url}/p-1/log").json()) == (200, [])


def test_a_pending_record_has_the_fields_of_a_stored_job(settings: Settings, url: str, kept: redis.Redis) -> None:
    leave_pending(kept, settings, "n-1")
    pending = get(f"{url}/n-1").json()
    store(settings, [accepted("n-1")])
    assert get(f"{url}/n-1").json() == pending | {"maxAttempts": 3}


def test_once_it_is_stored_the_pending_record_counts_no_more(settings: Settings, url: str, kept: redis.Redis) -> None:
    leave_pending(kept, settings, "n-1")
    store(settings, life(accepted("n-1"), "s"))
    assert get(f"{url}/n-1").json()["status"] == "sent"
    assert [(row["id"], row["status"]) for row in get(url).json()] == [("n-1", "sent")]
    assert ids(get(url, status="pending")) == []


def test_pending_ones_are_listed_in_order_filtered_and_paged(settings: Settings, url: str, kept: redis.Redis) -> None:
    store(settings, [accepted(f"n{number}", 2 * number, request(channel="sms")) for number in range(6)])
    for number in range(6):
        leave_pending(kept, settings, f"p{number}", at(2 * number + 1), channel="push" if number % 2 else "email")
    wanted = ["p5", "n5", "p4", "n4", "p3", "n3", "p2", "n2", "p1", "n1", "p0", "n0"]
    assert ids(get(url)) == wanted
    assert [name for page in pages(url, limit=5) for name in ids(page)] == wanted
    assert ids(get(url, type="push")) == ["p5", "p3", "p1"]
    assert ids(get(url, type="push", limit=1)) == ["p5"]
    assert ids(get(url, status="pending", recipient="ada@example.org", type="email")) == ["p4", "p2", "p0"]
    assert ids(get(url, status="sent")) == []
    assert ids(get(url, recipient="nobody")) == []


def test_pending_ones_are_found_behind_many_that_are_stored_by_now(
    settings: Settings, url: str, kept: redis.Redis
) -> None:
    names = [f"n{number}" for number in range(20)]
    for number, name in enumerate(["waiting", *names]):
        leave_pending(kept, settings, name, at(number))
    store(settings, [one for number, name in enumerate(names, 1) for one in life(accepted(name, number), "s")])
    assert [name for page in pages(url, limit=3) for name in ids(page)] == [*reversed(names), "waiting"]
    assert ids(get(url, status="pending", limit=2)) == ["waiting"]
    assert ids(get(url, type="email", limit=500))[-1] == "waiting"


def test_without_redis_what_is_stored_is_served(settings: Settings, serve: Serve) -> None:
    store(settings, [accepted("n-1")])
    url = f"{serve(settings.model_copy(update={'redis_url': 'redis://127.0.0.1:1/0'}))}/api/notifications"
    assert ids(get(url)) == ["n-1"]
    assert get(f"{url}/n-1").status_code == 200
    assert get(f"{url}/nobody").status_code == 404


async def test_without_the_database_it_is_a_503_within_two_seconds_until_it_is_back(
    settings: Settings, serve: Serve, mongo: KillableMongo, runtime: Runtime
) -> None:
    settings = settings.model_copy(update={"mongo_url": mongo.url})
    await declare(settings)
    url = f"{serve(settings)}/api/notifications"
    assert ids(get(url)) == []
    for away, back in ((mongo.freeze, mongo.thaw), (mongo.stop, mongo.start)):
        away()
        for path in ("", "/n-1", "/n-1/log"):
            began = runtime()
            answer = get(f"{url}{path}")
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert "message" in answer.json()
            assert runtime() - began < 2
        back()
        deadline = time.monotonic() + 60
        while get(url).status_code != 200:
            assert time.monotonic() < deadline


def test_the_pages_about_it_are_right(settings: Settings, serve: Serve) -> None:
    paths = get(f"{serve(settings)}/openapi.json").json()["paths"]
    answers = {path: sorted(described["get"]["responses"]) for path, described in paths.items() if "get" in described}
    assert answers == {
        "/api/dead-letters": ["200", "400", "503"],
        "/api/dead-letters/counts": ["200", "400", "503"],
        "/api/dead-letters/{id}": ["200", "400", "404", "503"],
        "/api/notifications": ["200", "400", "404", "503"],
        "/api/notifications/counts": ["200", "400", "404", "503"],
        "/api/notifications/{id}": ["200", "400", "404", "503"],
        "/api/notifications/{id}/log": ["200", "400", "404", "503"],
        "/api/notifications/{id}/why": ["200", "400", "404", "503"],
        "/api/overview": ["200", "400", "503"],
        "/api/policies": ["200", "400", "503"],
        "/api/preferences/{recipient}": ["200", "400", "503"],
        "/api/read-models": ["200", "400", "503"],
        "/api/replays": ["200", "400", "503"],
        "/api/replays/{id}": ["200", "400", "404", "503"],
        "/posts": ["200", "400", "503"],
    }
    named = [parameter["name"] for parameter in paths["/api/notifications"]["get"]["parameters"]]
    assert named == ["status", "type", "recipient", "limit", "cursor", "at"]
