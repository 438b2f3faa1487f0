"""Dead letters over real HTTP, from a real database."""

from datetime import timedelta
from urllib.parse import quote

import pytest
import requests

from gateway.dead_letters.desk import REASONS
from projections.letters.letters import Item
from streams.letters.dead_letters import Properties, Source
from streams.operations import Event, Redriven
from streams.settings import Settings
from streams.topics import OPERATIONS
from tests.gateway.conftest import Serve
from tests.gateway.dead_letters.given import LOG, START, letter, store
from tests.gateway.lists import get, ids, pages
from tests.projections.killable import KillableMongo

QUEUE = Source("notification-jobs")


@pytest.fixture
def letters(settings: Settings, serve: Serve) -> str:
    """Where the gateway lists them."""
    return f"{serve(settings)}/api/dead-letters"


def test_a_letter_is_told_whole_under_its_percent_encoded_id(settings: Settings, letters: str) -> None:
    first = letter(5, "rule-failed", "lifecycle", LOG)
    what = Redriven(first.letter, 5, "notification-events", 2, 5000)
    store(
        settings,
        first,
        Item(first.letter, OPERATIONS, 0, Event(what, START + timedelta(hours=1), "cli", "ada", "mended")),
    )
    answer = get(f"{letters}/{quote(first.letter, safe='')}")
    told = answer.json()
    assert len(told.pop("sha256")) == 64
    assert told == {
        "id": "dead:notification-events:2.4711",
        "state": "redriven",
        "reason": "rule-failed",
        "stages": ["lifecycle"],
        "error": "why",
        "source": {"name": "notification-events", "partition": 2, "offset": 4711},
        "size": 10,
        "truncated": False,
        "preview": '{"a": "\ufffd"}',
        "properties": None,
        "record": {"topic": "dead-letters", "offset": 5},
        "createdAt": "2026-01-01T00:00:05.000Z",
        "updatedAt": "2026-01-01T01:00:00.000Z",
        "reports": [
            {"stage": "lifecycle", "reason": "rule-failed", "error": "why", "time": "2026-01-01T00:00:05.000Z"}
        ],
        "history": [
            {
                "operation": "redriven",
                "seen": 5,
                "target": "notification-events",
                "partition": 2,
                "offset": 5000,
                "time": "2026-01-01T01:00:00.000Z",
                "by": "ada",
                "why": "mended",
            }
        ],
    }


def test_a_letter_from_a_queue_tells_what_the_message_was_known_by(settings: Settings, letters: str) -> None:
    known = Properties("m-1", "shop", "c-1", START, None)
    one = letter(1, "invalid", "bridge", QUEUE, known)
    store(settings, one)
    told = get(f"{letters}/{one.letter}").json()["properties"]
    assert told["message_id"] == "m-1"
    assert told["timestamp"] == "2026-01-01T00:00:00.000Z"


def test_lists_are_paged_and_filtered(settings: Settings, letters: str) -> None:
    many = [letter(n, "invalid" if n % 2 else "too-old", "bridge", Source(QUEUE.name, 0, n)) for n in range(7)]
    store(settings, *many, letter(9, "rule-failed", "admit", LOG))
    newest = [LOG_ID, *(item.letter for item in reversed(many))]
    assert ids(get(letters)) == newest
    assert [ids(page) for page in pages(letters, limit=3)] == [newest[:3], newest[3:6], newest[6:]]
    assert ids(get(letters, stage="admit")) == [LOG_ID]
    assert ids(get(letters, source="notification-jobs", reason="too-old", state="open", limit=2)) == [
        many[6].letter,
        many[4].letter,
    ]
    assert ids(get(letters, state="dropped")) == []


LOG_ID = "dead:notification-events:2.4711"


def test_counts_are_by_state_reason_and_stage(settings: Settings, letters: str) -> None:
    assert get(f"{letters}/counts").json() == {
        "states": {"open": 0, "redriven": 0, "dropped": 0},
        "reasons": {},
        "stages": {},
    }
    store(settings, letter(1, "rule-failed", "admit", LOG), letter(2, "invalid", "bridge", QUEUE))
    assert get(f"{letters}/counts").json() == {
        "states": {"open": 2, "redriven": 0, "dropped": 0},
        "reasons": {"rule-failed": 1, "invalid": 1},
        "stages": {"admit": 1, "bridge": 1},
    }


def test_what_is_unknown_or_wrong_is_told(letters: str) -> None:
    missing = get(f"{letters}/dead:a:1.2")
    assert (missing.status_code, missing.json()) == (404, {"message": "Dead letter not found"})
    wrong = get(letters, reason="x", state="y", limit="0", cursor="z")
    assert wrong.status_code == 400
    assert {fault["field"]: fault["message"] for fault in wrong.json()["details"]} == {
        "reason": f"must be one of {', '.join(REASONS)}",
        "state": "must be one of open, redriven, dropped",
        "limit": "must be a whole number from 1 to 500",
        "cursor": "must be the one from a Link header of this list",
    }
    misspelled = get(letters, reason="rule-failed", status="open").json()
    assert misspelled["message"] == "status is not known here, only reason, stage, source, state, limit, cursor"


def test_without_the_database_it_is_503(settings: Settings, serve: Serve, mongo: KillableMongo) -> None:
    url = serve(settings.model_copy(update={"mongo_url": mongo.url}))
    mongo.stop()
    for path in ("", "/counts", "/dead:a:1.2"):
        answer = get(f"{url}/api/dead-letters{path}")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_the_openapi_pages_tell_of_them(settings: Settings, serve: Serve) -> None:
    paths = requests.get(f"{serve(settings)}/openapi.json", timeout=30).json()["paths"]
    assert {"/api/dead-letters", "/api/dead-letters/{id}", "/api/dead-letters/counts"} <= paths.keys()
