"""Policies over HTTP, as an independent client and the topics see them."""

import asyncio
from collections.abc import Iterator

import pytest
import requests

from gateway.app import router
from streams import operations
from streams.codec import decode
from streams.events import Body, CoolOffLifted, PolicySet
from streams.operations import CoolOffEnded, PolicyChanged
from streams.settings import Settings
from streams.topics import OPERATIONS, REQUESTS
from tests.support.kafka import read
from tests.support.web import serving


@pytest.fixture(scope="module")
def url(declared: Settings) -> Iterator[str]:
    with serving(router(declared)) as base:
        yield f"{base}/api"


def put(url: str, path: str, **body: object) -> requests.Response:
    return requests.put(f"{url}/policies/{path}", json=body, timeout=30)


def policies(url: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = requests.get(f"{url}/policies", timeout=30).json()
    return found


async def written(settings: Settings) -> tuple[list[tuple[int, Body]], list[operations.Event]]:
    """The events in all partitions of the requests, and on the record of operations."""
    copies = [(record.partition, decode(record.value).body) for record in await read(settings.kafka_url, REQUESTS)]
    return copies, [operations.read(record.value) for record in await read(settings.kafka_url, OPERATIONS)]


def test_a_policy_goes_to_every_partition_of_the_requests_and_is_on_record(declared: Settings, url: str) -> None:
    answer = put(url, "actor/ada", rateLimit=7, by="grace", why="an import")
    assert answer.status_code == 200
    told = answer.json()
    assert told == {
        "scope": "actor",
        "about": "ada",
        "since": told["since"],
        "rateLimit": 7,
        "by": "grace",
        "why": "an import",
    }
    copies, done = asyncio.run(written(declared))
    mine = [(place, body) for place, body in copies if isinstance(body, PolicySet) and body.about == "ada"]
    assert [place for place, _ in sorted(mine)] == list(range(declared.partitions))
    assert len({body for _, body in mine}) == 1
    assert (done[-1].done, done[-1].by, done[-1].why) == (PolicyChanged("actor", "ada", 7), "grace", "an import")


def test_a_name_may_be_anything(url: str) -> None:
    answer = put(url, "recipient/a%2Fb%0A%C3%BC", rateLimit=1)
    assert (answer.status_code, answer.json()["about"]) == (200, "a/b\n\u00fc")


def test_what_is_in_force_is_shown_as_it_was_last_set(url: str) -> None:
    put(url, "recipient/bob", rateLimit=1)
    put(url, "recipient/bob", dedupeWindow=0)
    put(url, "type/FOLLOW", rateWindow=60)
    mine = [
        (policy["scope"], policy["about"], policy.get("rateLimit"), policy.get("dedupeWindow"))
        for policy in policies(url)
        if policy["about"] in ("bob", "FOLLOW")
    ]
    assert mine == [("recipient", "bob", None, 0), ("type", "FOLLOW", None, None)]
    assert requests.delete(f"{url}/policies/recipient/bob", timeout=30).status_code == 200
    assert "bob" not in [policy["about"] for policy in policies(url)]


def test_a_cool_off_is_lifted_by_the_actor_s_key(declared: Settings, url: str) -> None:
    assert requests.delete(f"{url}/cool-offs/team%2Feve", timeout=30).status_code == 200
    copies, done = asyncio.run(written(declared))
    assert [body.actor for _, body in copies if isinstance(body, CoolOffLifted)] == ["team/eve"]
    assert done[-1].done == CoolOffEnded("team/eve")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("somebody/ada", {"rateLimit": 1}),
        ("type/SNEEZE", {"rateLimit": 1}),
        ("actor/", {"rateLimit": 1}),
        ("actor/ada", {}),
        ("actor/ada", {"rateLimit": -1}),
        ("actor/ada", {"rateWindow": 0}),
        ("actor/ada", {"rateLimit": "many"}),
        ("actor/ada", {"rateLimits": 1}),
    ],
)
def test_what_is_wrong_is_named(url: str, path: str, body: dict[str, object]) -> None:
    answer = put(url, path, **body)
    assert answer.status_code == 400
    assert answer.json()["details"]
