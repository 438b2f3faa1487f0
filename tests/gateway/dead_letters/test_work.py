"""Dead letters handled over real HTTP; what redriving does to a letter is told by the tests of `redriving`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import AsyncMock

import pytest
import requests

from gateway.dead_letters import work
from gateway.dead_letters.work import Asked, LetterWork
from streams.letters.redriving import UNTOLD, Desk, Order, Verb
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, OPERATIONS
from tests.gateway.conftest import Serve
from tests.gateway.dead_letters.given import LOG, letter, store
from tests.support import kafka
from tests.support.broker import frozen

WORDS = {"by": "ada", "why": "mended"}


@pytest.fixture
def url(settings: Settings, declared: Settings, serve: Serve) -> str:  # noqa: ARG001 - the topics are declared
    return f"{serve(settings)}/api/dead-letters"


def handle(url: str, verb: str, **body: object) -> requests.Response:
    return requests.post(f"{url}/{verb}", json=body, timeout=60)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ids": [], **WORDS}, "ids"),
        ({"ids": ["x"], "by": "ada"}, "why"),
        ({"ids": ["x"], "by": "", "why": "y"}, "by"),
        ({"ids": ["x"], **WORDS, "force": True}, "body"),
    ],
)
def test_what_is_wrong_is_told_by_field(url: str, body: dict[str, object], field: str) -> None:
    answer = handle(url, "redrive", **body)
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["details"]] == [field]


def test_a_form_that_another_site_could_send_is_refused(url: str) -> None:
    answer = requests.post(f"{url}/drop", data='{"ids": ["x"], "by": "a", "why": "b"}', timeout=60)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["message"]


def test_what_cannot_be_done_is_told_letter_by_letter(url: str, settings: Settings) -> None:
    store(settings, letter(7, "oversized", "bridge", LOG))
    answer = handle(url, "redrive", ids=["dead:none", "dead:notification-events:2.4711"], **WORDS)
    refused = answer.json()["refused"]
    assert refused["dead:none"] == "there is no such dead letter"
    assert "dead:notification-events:2.4711" in refused  # there is none at that offset
    assert answer.json()["done"] == []


async def test_a_dropped_letter_is_on_record_with_who_and_why(url: str, settings: Settings) -> None:
    item = letter(0, "rule-failed", "lifecycle", LOG)
    await asyncio.to_thread(store, settings, item)
    answer = await asyncio.to_thread(handle, url, "drop", ids=[item.letter], **WORDS)
    assert answer.json() == {"done": [item.letter], "refused": {}}
    records = await kafka.read(settings.kafka_url, OPERATIONS)
    assert any(item.letter.encode() in record.value and b'"by":"ada"' in record.value for record in records)


async def test_a_kafka_that_does_not_answer_is_a_503_and_the_letter_is_dropped_when_it_does(
    url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = letter(1, "rule-failed", "lifecycle", LOG)
    await asyncio.to_thread(store, settings, item)
    with monkeypatch.context() as impatient:
        impatient.setattr("streams.letters.redriving.SECONDS", 1.0)
        async with frozen(settings.kafka_url):
            answer = await asyncio.to_thread(handle, url, "drop", ids=[item.letter, "dead:none"], **WORDS)
    told = answer.json()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert told.pop("message").startswith("stopped after 0 letters, since Kafka did not answer within 1 s. Ask again")
    assert told == {"done": [], "refused": {"dead:none": "there is no such dead letter"}, "unsure": {}}
    again = await asyncio.to_thread(handle, url, "drop", ids=[item.letter], **WORDS)
    assert again.json() == {"done": [item.letter], "refused": {}}


class Stuck:
    """A desk that handles letters until it comes to `b`, whose end nobody hears of."""

    def __init__(self) -> None:
        self.unsure: dict[str, str] = {}

    async def handle(self, _: Verb, order: Order) -> str | None:
        if order.letter == "b":
            self.unsure["b"] = UNTOLD
            await asyncio.Event().wait()
        return None


@asynccontextmanager
async def stuck(*_: object) -> AsyncIterator[Stuck]:
    yield Stuck()


async def test_when_the_time_is_up_the_answer_tells_what_is_done_and_what_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work, "LONGEST", 0.2)
    monkeypatch.setattr(Desk, "open", stuck)
    source = {"name": "notification-events", "partition": 0, "offset": 1}
    known = {
        name: {"state": "open", "record": {"topic": DEAD_LETTERS, "offset": at}, "source": source, "truncated": False}
        | {"sha256": ""}
        for at, name in enumerate("abc")
    }
    reads = AsyncMock()
    reads.letter = AsyncMock(side_effect=known.get)
    answer = await LetterWork(Settings(), reads)._handled("redrive", Asked([*"cbax"], "ada", "mended"))
    told = json.loads(bytes(answer.body))
    assert answer.status_code == 503
    assert told.pop("message") == (
        f"stopped after 1 letter, since 0.2 s were over. Of b, {UNTOLD}. Ask again for those that are not in `done`: "
        "what is put back twice is dropped by who reads it"
    )
    assert told == {"done": ["a"], "refused": {"x": "there is no such dead letter"}, "unsure": {"b": UNTOLD}}
