"""A what-if about the log of a real stack whose workers were killed: it comes out as it was, and nobody is called."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.stack import own_stack, wait_until
from tests.system.whole import Whole

REQUESTS = 150
LIKES = 40
ENDED = {"sent", "failed", "suppressed"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A stack whose lost calls are noticed soon."""
    calls = tmp_path_factory.mktemp("provider") / "calls"
    short = {"PROVIDER_TIMEOUT": "2", "DEADLINE_MARGIN": "1", "SESSION_TIMEOUT": "6"}
    with own_stack(MOCK_RECORD=str(calls), MOCK_FAILURE_RATE="0.3", MAX_ATTEMPTS="3", **short) as stack:
        stack.run("up", "--detach")
        yield Whole(stack, calls)


def like(whole: Whole, actor: str, post: int) -> None:
    body = {"type": "LIKE", "actorId": actor, "targetId": "user2", "postId": f"post{post}"}
    assert requests.post(f"{whole.stack.http}/like", json=body, timeout=30).status_code == 200


def statuses(whole: Whole) -> Counter[str]:
    with whole.collections() as (jobs, _):
        return Counter(job["status"] for job in jobs.find({}, {"status": 1}))


@pytest.fixture(scope="module")
def past(whole: Whole) -> Whole:
    """Requests of all kinds, a policy among them, and two kills; all has ended."""
    for number in range(LIKES // 2):
        like(whole, "user1", number % 15)
    whole.post(range(REQUESTS // 2))
    whole.stack.kill("deliver")
    policy = {"rateLimit": 30, "why": "a test"}
    assert requests.put(f"{whole.stack.http}/api/policies/actor/user3", json=policy, timeout=30).status_code == 200
    whole.post(range(REQUESTS // 2, REQUESTS))
    whole.stack.kill("lifecycle")
    for number in range(LIKES // 2):
        like(whole, "user3", number)
    wait_until(
        lambda: (now := statuses(whole)).total() == REQUESTS + LIKES and now.keys() <= ENDED,
        120,
        lambda: f"not all have ended: {statuses(whole)}",
    )
    return whole


def what_if(whole: Whole, *options: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(whole.stack.run("whatif", "--json", *options).stdout)
    return told


def test_what_was_killed_and_lost_is_recomputed_as_it_was(past: Whole) -> None:
    told = what_if(past)
    recorded, recomputed = told["sides"]["recorded"], told["sides"]["recomputed"]
    shown = statuses(past)
    assert (recorded["sent"], recorded["failed"]) == (shown["sent"], shown["failed"])
    assert sum(recorded["suppressed"].values()) == shown["suppressed"] > 10
    assert told["modelError"] == {"share": 0.0, "notifications": 0, "by": []}
    assert recomputed == recorded | {"assumedCalls": 0}


def test_other_settings_change_what_they_should_and_no_provider_hears_of_it(past: Whole) -> None:
    before = Path(past.calls).read_bytes()
    told = what_if(
        past, "--rate-limit", "100", "--max-attempts", "1", "--policy", "actor/user3:rate-limit=1,rate-window=600"
    )
    new, recomputed = told["sides"]["new"], told["sides"]["recomputed"]
    assert new["calls"] == new["accepted"]
    assert new["failed"] > recomputed["failed"]
    assert new["suppressed"]["duplicate"] == 5
    assert new["suppressed"]["rate-limited"] + new["suppressed"]["cooled-off"] == LIKES // 2 - 1
    assert "actor/user3" in json.dumps(told["tried"])
    table = past.stack.run("whatif", "--retry-policy", "exponential").stdout
    assert "an estimate from the record; nothing was sent" in table
    assert Path(past.calls).read_bytes() == before
