"""What the gateway answers about the past and about causes, over real HTTP, from a real database and a real Redis."""

from collections import Counter
from itertools import pairwise

import pytest
import redis

from gateway.notifications import past
from projections.present import jobs
from projections.present.jobs import Standing
from streams.clock import iso, milliseconds, now
from streams.events import Noted, Origin, Sent, Suppressed
from streams.settings import Settings
from tests.gateway import filled
from tests.gateway.filled import leave_pending
from tests.gateway.lists import get, ids, pages, rows
from tests.projections.lives import Events, accepted, at, event, items, life, many, request, shuffled
from tests.projections.past.taken import take
from tests.projections.past.test_why import POLICY, SET


def store(settings: Settings, events: Events) -> None:
    """Into all read models."""
    filled.store(settings, events)
    take(settings, events)


def standings_at(events: Events, seconds: float) -> dict[str, Standing]:
    """A straight fold of what had happened by then."""
    found: dict[str, Standing] = {}
    for one, place in items(events):
        if one.time <= at(seconds) and (after := jobs.evolve(found.get(one.notification), one, place)):
            found[one.notification] = after
    return found


def test_a_job_is_as_it_was_at_every_time(settings: Settings, url: str) -> None:
    store(settings, life(accepted("n-1"), "fsa"))
    asked = {0: "queued", 0.1: "sending", 0.25: "retrying", 1.2: "queued", 1.3: "sending", 1.4: "sent"}
    for seconds, status in asked.items():
        job = get(f"{url}/n-1", at=iso(at(seconds))).json()
        assert job["status"] == status, seconds
        assert job["updatedAt"] <= iso(at(seconds))
    early = get(f"{url}/n-1", at=iso(at(0.15))).json()
    assert (early["attempts"], early["lastError"], early["message"]) == (0, None, "hello")
    assert "acknowledgedAt" not in early
    assert "fold" not in early
    assert get(f"{url}/n-1", at=iso(at(99))).json() == get(f"{url}/n-1").json()
    assert get(f"{url}/n-1", at=milliseconds(at(99))).json()["acknowledgedAt"] == "2026-01-01T00:00:01.500Z"


def test_before_it_was_created_a_job_was_not_known(settings: Settings, url: str) -> None:
    store(settings, life(accepted("n-1", 5), "s"))
    answer = get(f"{url}/n-1", at=iso(at(4.999)))
    assert answer.status_code == 404
    assert (
        "not known at 2026-01-01T00:00:04.999Z: it was created at 2026-01-01T00:00:05.000Z" in answer.json()["message"]
    )
    assert get(f"{url}/nobody", at=iso(at(5))).json() == {"message": "Job not found"}


def test_an_outcome_that_came_late_counts_from_when_it_happened(settings: Settings, url: str) -> None:
    told = life(accepted("n-1"), "l")
    store(settings, told)
    assert rows(get(url, at=iso(at(10))))[0]["status"] == "sending"
    store(settings, [event(Sent(1), "n-1", 0.2)])
    assert rows(get(url, at=iso(at(10))))[0]["status"] == "sent"
    assert get(f"{url}/counts", at=iso(at(10))).json()["sent"] == 1


@pytest.mark.parametrize("seconds", [0, 0.05, 3.3, 7.25, 20, 45, 61])
def test_lists_and_counts_are_the_fold_of_what_had_happened(settings: Settings, url: str, seconds: float) -> None:
    told = many(60)
    store(settings, told[:100])
    store(settings, told[100:])
    wanted = standings_at(told, seconds)
    found = {row["id"]: row["status"] for row in rows(get(url, at=iso(at(seconds))))}
    assert found == {name: one.status for name, one in wanted.items()}
    counts = Counter(get(f"{url}/counts", at=iso(at(seconds))).json())
    assert +counts == Counter(one.status for one in wanted.values())


def test_lists_of_the_past_are_filtered_and_paged(settings: Settings, url: str) -> None:
    store(settings, many(60))
    whole = rows(get(url, at=iso(at(12))))
    assert [row["createdAt"] for row in whole] == sorted((row["createdAt"] for row in whole), reverse=True)
    for chosen in (
        {},
        {"status": "sent"},
        {"status": "retrying"},
        {"type": "sms"},
        {"recipient": "user3@example.org", "status": "queued"},
    ):
        right = [row for row in whole if chosen.items() <= row.items()]
        found = [rows(page) for page in pages(url, at=iso(at(12)), limit=2, **chosen)]
        assert [row for page in found for row in page] == right
        assert all(len(page) <= 2 for page in found)


def test_a_page_of_a_rare_status_looks_at_so_many_and_names_where_to_go_on(
    settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "AT_ONCE", 5)
    monkeypatch.setattr(past, "LOOKED_AT", 10)
    store(settings, shuffled(life(accepted(f"n{number}", number), "f" if number == 3 else "s") for number in range(40)))
    found = [ids(page) for page in pages(url, at=iso(at(60)), status="queued")]
    assert found == [[], [], [], ["n3"]]


def test_present_counts_are_those_of_the_read_model(settings: Settings, url: str) -> None:
    told = many(30)
    store(settings, told)
    found = get(f"{url}/counts").json()
    assert +Counter(found) == Counter(one.status for one in standings_at(told, 10**6).values())
    assert found == get(f"{url}/counts", at=iso(at(3600))).json()
    assert list(found) == ["pending", "queued", "sending", "sent", "failed", "retrying", "suppressed"]


def test_before_the_log_begins_nothing_is_known_and_that_is_said(settings: Settings, url: str) -> None:
    asked = iso(at(4.999))
    for path in ("", "/counts"):
        answer = get(f"{url}{path}", at=asked)
        assert (answer.status_code, "has no notification yet" in answer.json()["message"]) == (404, True)
    store(settings, [*life(accepted("n-2", 90_000), "s"), *life(accepted("n-1", 5), "s")])
    for path in ("", "/counts"):
        answer = get(f"{url}{path}", at=asked)
        assert answer.status_code == 404
        assert answer.json()["message"].endswith("the log begins at 2026-01-01T00:00:05.000Z")
        assert get(f"{url}{path}", at=iso(at(5))).status_code == 200
    assert rows(get(url, at=iso(at(60)), type="push")) == []


@pytest.mark.parametrize("path", ["", "/n-1", "/counts"])
def test_a_time_that_can_t_be_is_a_400(settings: Settings, url: str, path: str) -> None:
    store(settings, [accepted("n-1")])
    for wrong in ("tomorrow", "2026-01-01T00:00:00", iso(at(10**9)), ""):
        answer = get(f"{url}{path}", at=wrong)
        assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "at")


def test_what_was_just_accepted_is_there_from_its_creation_on(settings: Settings, url: str, kept: redis.Redis) -> None:
    store(settings, life(accepted("n-1"), "s"))
    created = now()
    leave_pending(kept, settings, "p-1", created)
    assert get(f"{url}/p-1", at=iso(created)).json()["status"] == "pending"
    assert get(f"{url}/p-1", at=milliseconds(created) - 1).status_code == 404
    assert ids(get(url, at=iso(created))) == ["p-1", "n-1"]
    assert ids(get(url, at=milliseconds(created) - 1)) == ["n-1"]


def test_a_story_that_is_not_folded_far_enough_is_a_503(settings: Settings, url: str) -> None:
    told = life(accepted("n-1"), "s")
    filled.store(settings, told)
    asked_then = {"at": iso(at(0.1))}
    for path, asked in (("/n-1", asked_then), ("", asked_then), ("/counts", asked_then), ("/n-1/why", {})):
        answer = get(f"{url}{path}", **asked)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    take(settings, told[:2])
    assert get(f"{url}/n-1", at=iso(at(0.1))).status_code == 503
    assert get(f"{url}/counts", at=iso(at(0))).status_code == 503
    take(settings, told[2:3])
    assert get(f"{url}/counts", at=iso(at(0.1))).status_code == 503
    assert get(f"{url}/counts", at=iso(at(0.099))).json()["queued"] == 1
    take(settings, told[3:])
    assert get(f"{url}/n-1", at=iso(at(0.1))).json()["status"] == "sending"


def test_why_is_the_chain_of_causes(settings: Settings, url: str) -> None:
    told = life(accepted("n-1"), "fs")
    store(settings, told)
    found = get(f"{url}/n-1/why").json()
    assert (found["id"], found["status"], found["tookMs"]) == ("n-1", "sent", 1400)
    assert [step["event"] for step in found["steps"][1:]] == [one.id.split(":")[1] for one in told]
    assert all(later["cause"] == earlier["id"] for earlier, later in pairwise(found["steps"]))
    assert sum(step.get("afterMs", 0) for step in found["steps"]) == found["tookMs"]
    assert found["steps"][3]["worker"] == "w"
    due = next(step for step in found["steps"] if step["event"] == "came-due")
    assert (due["afterMs"], due["lateMs"], due["source"]) == (1000, 0, "lifecycle")


def test_why_names_the_policies_with_their_numbers(settings: Settings, url: str) -> None:
    refused = Suppressed(request(), "promotional", Origin(0, 1), "rate-limited", policies=(SET.id,))
    noted, named = SET.then(Noted(Origin(0, 0), policy=POLICY), "admit"), event(refused, "n-1", 5)
    store(settings, [noted, named])
    (policy,) = get(f"{url}/n-1/why").json()["policies"]
    assert (policy["scope"], policy["about"], policy["rateLimit"], policy["version"]) == (
        "actor",
        "ada",
        7,
        POLICY.version,
    )


def test_why_of_what_waits_and_of_nobody(settings: Settings, url: str, kept: redis.Redis) -> None:
    leave_pending(kept, settings, "p-1")
    assert get(f"{url}/p-1/why").status_code == 503
    assert get(f"{url}/nobody/why").json() == {"message": "Job not found"}
