"""Dead letters handled over real HTTP; what redriving does to a letter is told by the tests of `redriving`."""

import asyncio

import pytest
import requests

from streams.settings import Settings
from streams.topics import OPERATIONS
from tests.gateway.conftest import Serve
from tests.gateway.dead_letters.given import LOG, letter, store
from tests.support import kafka

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
    assert answer.status_code == 400
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
