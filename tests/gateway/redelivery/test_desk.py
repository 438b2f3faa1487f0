"""Redelivery over HTTP, as an independent client, the log and the record of operations see it."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest
import redis

from gateway.app import router
from projections import runner
from projections.schema import declare
from streams import operations
from streams.codec import Undecodable, encode
from streams.events import Event, RedeliveryRequested
from streams.health.vitals import Vitals
from streams.intake.requests import recipient_key
from streams.operations import Operation, RedeliveryBegun, RedeliveryEnded
from streams.settings import Settings
from streams.topics import EVENTS, OPERATIONS
from tests.gateway.filled import leave_pending
from tests.projections.lives import Events, accepted, life, request, suppressed
from tests.support import kafka
from tests.support.web import serving
from tests.support.working import working

NUMBERS = itertools.count()
WHY = {"why": "lost in transit", "by": "ada"}


@pytest.fixture(scope="module")
async def settings(declared: Settings) -> AsyncIterator[Settings]:
    """Read models of this module's own, kept up with the log."""
    made = declared.model_copy(update={"mongo_database": f"redeliver-{next(NUMBERS)}"})
    await declare(made)
    async with working(lambda stopping: runner.run(made, stopping, Vitals())):
        yield made


@pytest.fixture(scope="module")
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    with serving(router(settings)) as url:
        async with httpx.AsyncClient(base_url=f"{url}/api/notifications", timeout=60) as client:
            yield client


async def lived(settings: Settings, outcomes: str, recipient: str = "ada@example.org") -> str:
    """A notification that is on the log with such attempts."""
    name = str(uuid4())
    await write(settings, life(accepted(name, 0, request(recipient)), outcomes), recipient)
    return name


async def write(settings: Settings, told: Events, recipient: str = "ada@example.org") -> None:
    key = recipient_key(recipient, settings.recipient_secret.get_secret_value()).encode()
    await kafka.write(settings.kafka_url, EVENTS, *((key, encode(one)) for one in told))


async def wishes(settings: Settings, *names: str) -> list[Event[RedeliveryRequested]]:
    """What was asked of the log for these, in its order."""
    found = []
    for record in await kafka.read(settings.kafka_url, EVENTS):
        for name in names:
            if f"{name}:redelivery-requested:".encode() in (record.value or b""):
                found += [one for one in kafka.events([record], name) if isinstance(one.body, RedeliveryRequested)]
    return found  # type: ignore[return-value]


async def done(settings: Settings, *kinds: type[Operation]) -> list[operations.Event]:
    """What is on record of these kinds."""
    found = []
    for record in await kafka.read(settings.kafka_url, OPERATIONS):
        with suppress(Undecodable):
            found.append(operations.read(record.value))
    return [event for event in found if isinstance(event.done, kinds)]


async def test_one_is_asked_for_on_the_log_and_on_record_before_the_answer(
    settings: Settings, http: httpx.AsyncClient
) -> None:
    name = await lived(settings, "fs")
    answer = await http.post(f"/{name}/redeliver", json=WHY)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/notifications/{name}/log"
    (wish,) = await wishes(settings, name)
    assert answer.json() == {"id": name, "redelivery": wish.body.redelivery}
    assert (wish.body.by, wish.body.why, wish.body.dispatch, wish.source) == ("ada", "lost in transit", 2, "gateway")
    asked = [event for event in await done(settings, RedeliveryBegun) if event.done.what == f"notification {name}"]  # type: ignore[union-attr]
    assert [(event.by, event.why) for event in asked] == [("ada", "lost in transit")]


async def test_its_story_tells_who_asked(settings: Settings, http: httpx.AsyncClient) -> None:
    name = await lived(settings, "s")
    await http.post(f"/{name}/redeliver", json=WHY)
    async with asyncio.timeout(30):
        while not (lines := [line for line in (await http.get(f"/{name}/log")).json() if "redel" in line["event"]]):  # noqa: ASYNC110 - HTTP tells only who asks
            await asyncio.sleep(0.1)
    assert [(line["event"], line["details"]["by"], line["details"]["why"]) for line in lines] == [
        ("redelivery_requested", "ada", "lost in transit")
    ]


async def test_asked_twice_with_one_key_it_is_asked_once(settings: Settings, http: httpx.AsyncClient) -> None:
    name, key = await lived(settings, "s"), {"Idempotency-Key": str(uuid4())}
    first = await http.post(f"/{name}/redeliver", json=WHY, headers=key)
    second = await http.post(f"/{name}/redeliver", json=WHY, headers=key)
    assert first.json() == second.json()
    assert ("idempotency-replayed" in first.headers, second.headers["idempotency-replayed"]) == (False, "true")
    assert len(await wishes(settings, name)) == 1
    other = await http.post(f"/{name}/redeliver", json={"why": "another"}, headers=key)
    assert other.status_code == 422
    await http.post(f"/{name}/redeliver", json=WHY)
    assert len({wish.id for wish in await wishes(settings, name)}) == 2


@pytest.mark.parametrize(
    ("outcomes", "obstacle"), [("", "under-way"), ("f", "under-way"), ("srs", None), ("sa", "acknowledged")]
)
async def test_what_makes_no_sense_is_a_conflict(
    settings: Settings, http: httpx.AsyncClient, outcomes: str, obstacle: str | None
) -> None:
    name = await lived(settings, outcomes)
    answer = await http.post(f"/{name}/redeliver", json=WHY)
    assert answer.status_code == (409 if obstacle else 202)
    assert answer.json().get("obstacle") == obstacle


async def test_a_suppressed_one_and_one_that_there_is_not(settings: Settings, http: httpx.AsyncClient) -> None:
    name = str(uuid4())
    await write(settings, [suppressed(name)])
    assert (await http.post(f"/{name}/redeliver", json=WHY)).json()["obstacle"] == "suppressed"
    answer = await http.post("/nobody/redeliver", json=WHY)
    assert (answer.status_code, answer.json()) == (404, {"message": "Job not found"})


async def test_one_that_was_only_just_accepted_is_under_way(settings: Settings, http: httpx.AsyncClient) -> None:
    name = str(uuid4())
    with redis.Redis.from_url(settings.redis_url) as kept:
        leave_pending(kept, settings, name)
    answer = await http.post(f"/{name}/redeliver", json=WHY)
    assert (answer.status_code, answer.json()["message"]) == (409, "not redelivered: it is still under way: pending")


@pytest.mark.parametrize("body", [{}, {"why": ""}, {"why": 3}, {"why": "x", "what": 1}])
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, body: dict[str, object]) -> None:
    answer = await http.post("/n/redeliver", json=body)
    assert answer.status_code == 400
    assert answer.json()["details"]


async def test_a_preview_tells_how_many_and_writes_nothing(settings: Settings, http: httpx.AsyncClient) -> None:
    recipient = f"{uuid4()}@example.org"
    names = [await lived(settings, "fff", recipient) for _ in range(3)]
    await lived(settings, "s", recipient)
    await until_stored(http, recipient, 4)
    answer = await http.post("/redeliver", json={"status": "failed", "recipient": recipient, "preview": True})
    told = answer.json()
    assert (answer.status_code, told["count"], told["types"], sorted(told["first"])) == (
        200,
        3,
        {"email": 3},
        sorted(names),
    )
    newest = {"status": "failed", "recipient": recipient, "limit": 2, "preview": True}
    assert (await http.post("/redeliver", json=newest)).json()["count"] == 2
    later = {"status": "failed", "recipient": recipient, "from": "2026-01-01T00:00:01Z", "preview": True}
    assert (await http.post("/redeliver", json=later)).json()["count"] == 0
    assert await wishes(settings, *names) == []


async def test_many_are_asked_for_at_a_pace_and_the_end_is_on_record(
    settings: Settings, http: httpx.AsyncClient
) -> None:
    recipient, key = f"{uuid4()}@example.org", {"Idempotency-Key": str(uuid4())}
    names = [await lived(settings, "fff", recipient) for _ in range(6)]
    await until_stored(http, recipient, 6)
    body = {"status": "failed", "recipient": recipient, "rate": 4, **WHY}
    began = time.monotonic()
    answer = await http.post("/redeliver", json=body, headers=key)
    assert (answer.status_code, answer.json()["count"]) == (202, 6)
    bulk = answer.json()["bulk"]
    begun, ended = await on_record(settings, bulk)
    assert time.monotonic() - began >= 1  # the fifth is not asked for before a second has passed
    assert begun == RedeliveryBegun(bulk, 6, 4.0, "status failed, one recipient, the newest 1000")
    assert ended == RedeliveryEnded(bulk, 6, 6, 0, 0)
    assert Counter(wish.notification for wish in await wishes(settings, *names)) == dict.fromkeys(names, 1)
    await http.post("/redeliver", json=body, headers=key)
    assert (await on_record(settings, bulk, 2))[-1] == RedeliveryEnded(bulk, 6, 0, 6, 0)
    assert len(await wishes(settings, *names)) == 6


async def on_record(settings: Settings, bulk: str, times: int = 1) -> list[Operation]:
    """What is told of a bulk, once it has ended so often."""
    async with asyncio.timeout(60):
        while True:
            told = [event.done for event in await done(settings, RedeliveryBegun, RedeliveryEnded)]
            mine = [one for one in told if isinstance(one, RedeliveryBegun | RedeliveryEnded) and one.bulk == bulk]
            if sum(isinstance(one, RedeliveryEnded) for one in mine) >= times:
                return list(mine)


async def until_stored(http: httpx.AsyncClient, recipient: str, count: int) -> None:
    """Returns once so many have ended, as the list tells."""
    async with asyncio.timeout(60):
        while True:
            found = (await http.get(str(http.base_url).rstrip("/"), params={"recipient": recipient})).json()
            if sum(job["status"] in ("sent", "failed") for job in found) == count:
                return
            await asyncio.sleep(0.1)
