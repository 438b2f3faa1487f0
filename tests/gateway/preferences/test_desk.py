"""Preferences over HTTP, as an independent client, the log and the database see them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from gateway.app import router
from gateway.preferences.bodies import MAX_MUTED
from projections.mongo.connection import database
from projections.present.preferences import newest
from projections.present.store import Store
from projections.schema import declare
from streams.codec import Undecodable, decode
from streams.events import Event, PersonalPreferences, PreferencesSet, QuietHours
from streams.intake.requests import recipient_key
from streams.settings import Settings
from streams.topics import EVENTS
from tests.projections.lives import items
from tests.support.kafka import read
from tests.support.web import serving

NIGHT = {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}
ALL_TYPES = dict.fromkeys(("LIKE", "COMMENT", "SHARE", "FOLLOW", "MENTION"), True)
ALL_CHANNELS = dict.fromkeys(("email", "sms", "push", "in-app"), True)


@pytest.fixture(scope="module")
def settings(declared: Settings) -> Settings:
    own = declared.model_copy(update={"mongo_database": "gateway-preferences"})
    asyncio.run(declare(own))
    return own


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    with serving(router(settings)) as base:
        yield f"{base}/api/preferences"


def put(url: str, recipient: str, **body: object) -> requests.Response:
    return requests.put(f"{url}/{recipient}", json=body, timeout=30)


def said(settings: Settings, recipient: str) -> list[tuple[bytes, Event[Any]]]:
    """What is on the log of this recipient, with its record keys."""
    found = []
    for record in asyncio.run(read(settings.kafka_url, EVENTS)):
        try:
            event = decode(record.value)
        except Undecodable:
            continue
        if isinstance(event.body, PreferencesSet) and event.body.personal.recipient == recipient:
            found.append((record.key, event))
    return found


def project(settings: Settings, *told: Event[Any]) -> None:
    """What the projections would store of these."""

    async def store() -> None:
        async with database(settings, patience=10) as base:
            await Store(base).prefer(newest(items(told)))

    asyncio.run(store())


def test_what_is_set_is_one_event_on_the_log_under_the_recipient_s_key(settings: Settings, url: str) -> None:
    answer = put(
        url,
        "ada%2Fhome@example.org",
        types={"FOLLOW": False, "LIKE": True},
        channels={"sms": False, "email": False},
        mutedActors=["eve", "mallory", "eve"],
        quietHours=NIGHT | {"transactionalPasses": True},
        by="ada",
        why="too many",
    )
    assert answer.status_code == 200, answer.text
    ((key, event),) = said(settings, "ada/home@example.org")
    assert key == recipient_key("ada/home@example.org", "tidings-local").encode()
    assert event.body == PreferencesSet(
        event.body.version,
        PersonalPreferences("ada/home@example.org", ("eve", "mallory")),
        ("FOLLOW",),
        ("email", "sms"),
        QuietHours("22:00", "07:00", "Europe/Berlin", transactional_passes=True),
        "ada",
        "too many",
    )
    assert answer.json() == {
        "recipient": "ada/home@example.org",
        "types": ALL_TYPES | {"FOLLOW": False},
        "channels": ALL_CHANNELS | {"sms": False, "email": False},
        "mutedActors": ["eve", "mallory"],
        "quietHours": NIGHT | {"transactionalPasses": True},
        "since": answer.json()["since"],
        "event": event.id,
        "by": "ada",
        "why": "too many",
    }


def test_what_holds_is_shown_as_the_read_model_has_it_and_the_newest_stands(settings: Settings, url: str) -> None:
    set_first = put(url, "grace", mutedActors=["eve"], quietHours=NIGHT).json()
    set_last = put(url, "grace", channels={"push": False}).json()
    (_, first), (_, last) = said(settings, "grace")
    project(settings, first)
    assert requests.get(f"{url}/grace", timeout=30).json() == set_first
    project(settings, last)
    assert requests.get(f"{url}/grace", timeout=30).json() == set_last
    project(settings, first)
    assert requests.get(f"{url}/grace", timeout=30).json() == set_last
    assert requests.delete(f"{url}/grace", timeout=30).json()["channels"] == ALL_CHANNELS
    project(settings, said(settings, "grace")[-1][1])
    shown = requests.get(f"{url}/grace", timeout=30).json()
    assert (shown["channels"], shown["mutedActors"], shown["quietHours"]) == (ALL_CHANNELS, [], None)


def test_whoever_has_set_nothing_has_everything_on(url: str) -> None:
    assert requests.get(f"{url}/nobody", timeout=30).json() == {
        "recipient": "nobody",
        "types": ALL_TYPES,
        "channels": ALL_CHANNELS,
        "mutedActors": [],
        "quietHours": None,
        "since": None,
        "event": None,
        "by": "",
        "why": "",
    }


def test_as_many_actors_can_be_muted_as_the_limit_says(url: str) -> None:
    assert put(url, "popular", mutedActors=[f"user{number}" for number in range(MAX_MUTED)]).status_code == 200
    assert put(url, "popular", mutedActors=[f"user{number}" for number in range(MAX_MUTED + 1)]).status_code == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"types": {"SNEEZE": False}}, "SNEEZE"),
        ({"channels": {"fax": False}}, "fax"),
        ({"types": {"LIKE": "no"}}, "$.types"),
        ({"mutedActors": [""]}, "mutedActors"),
        ({"mutedActors": ["x" * 257]}, "mutedActors"),
        ({"quietHours": NIGHT | {"zone": "Mars/Olympus"}}, "Mars/Olympus"),
        ({"quietHours": NIGHT | {"to": "24:00"}}, "$.quietHours.to"),
        ({"quietHours": NIGHT | {"to": "22:00"}}, "quietHours.to"),
        ({"quietHours": {"from": "22:00", "to": "07:00"}}, "zone"),
        ({"quietHours": NIGHT | {"transactionalPass": True}}, "transactionalPass"),
        ({"quiet": NIGHT}, "quiet"),
        ([], "body"),
    ],
)
def test_what_is_wrong_is_named(url: str, body: object, named: str) -> None:
    answer = requests.put(f"{url}/ada", json=body, timeout=30)
    assert answer.status_code == 400
    assert named in str(answer.json()["details"])


def test_more_than_a_recipient_can_mean_is_refused(url: str) -> None:
    assert put(url, "ada", why="x" * 70_000).status_code == 413
    assert requests.put(f"{url}/", json={}, timeout=30).status_code == 400


def test_without_kafka_or_the_database_it_is_a_503(settings: Settings) -> None:
    away = {"kafka_url": "kafka://127.0.0.1:1", "mongo_url": "mongodb://127.0.0.1:1/"}
    with serving(router(settings.model_copy(update=away))) as base:
        for answer in (
            put(f"{base}/api/preferences", "ada"),
            requests.get(f"{base}/api/preferences/ada", timeout=30),
        ):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_the_openapi_page_shows_it(url: str) -> None:
    page = requests.get(f"{url.removesuffix('/api/preferences')}/openapi.json", timeout=30).json()
    assert page["paths"]["/api/preferences/{recipient}"].keys() == {"get", "put", "delete"}
