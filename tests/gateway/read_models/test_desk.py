"""Read models and their rebuilds over HTTP, as an independent client sees them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import requests

from gateway.read_models.desk import SILENT, shown
from projections.models import READ_MODELS
from projections.mongo.connection import database
from projections.rebuild.record import Rebuild, recorded
from projections.schema import declare
from streams import clock
from streams.settings import Settings
from tests.gateway.conftest import Serve
from tests.projections.rebuild.given import ADA, Seen

NOW = clock.now()


def stood(**more: Any) -> Rebuild:  # noqa: ANN401
    return Rebuild(NOW - timedelta(minutes=1), "ada", "", **more)


@pytest.mark.parametrize(
    ("state", "age", "told"),
    [
        ("running", timedelta(seconds=2), "running"),
        ("running", 2 * SILENT, "silent"),
        ("asking", 2 * SILENT, "silent"),
        ("done", timedelta(days=2), "done"),
    ],
)
def test_one_that_goes_on_and_says_nothing_was_killed(state: Any, age: timedelta, told: str) -> None:  # noqa: ANN401
    assert shown(stood(state=state, updated=NOW - age), NOW)["state"] == told


def test_every_read_model_has_its_copies_and_its_last_rebuild(declared: Settings, serve: Serve) -> None:
    own = declared.model_copy(update={"mongo_database": "gateway-read-models"})
    asyncio.run(declare(own))

    async def record() -> None:
        async with (
            database(own, patience=10) as base,
            recorded(base, ["NotificationLog"], ADA, Seen()) as heard,
        ):
            heard.begin("folding NotificationLog", 10)
            heard.ended({"NotificationLog": ["it is 2000 events behind the log"]})

    asyncio.run(record())
    told = requests.get(f"{serve(own)}/api/read-models", timeout=10).json()
    assert [model["name"] for model in told] == list(READ_MODELS)
    models = {model["name"]: model for model in told}
    (copy,) = models["DeadLetter"]["copies"]
    assert (copy["name"], copy["is"], models["DeadLetter"]["rebuild"]) == ("DeadLetter", "live", None)
    rebuild = models["NotificationLog"]["rebuild"]
    assert (rebuild["state"], rebuild["reasons"]) == ("refused", ["it is 2000 events behind the log"])
    assert (rebuild["part"], rebuild["total"], rebuild["by"]) == ("folding NotificationLog", 10, ADA.by)


def test_without_kafka_it_tells_all_but_how_far_behind_they_are(declared: Settings, serve: Serve) -> None:
    own = declared.model_copy(update={"kafka_url": "kafka://127.0.0.1:9", "mongo_database": "gateway-read-models"})
    asyncio.run(declare(own))
    told = requests.get(f"{serve(own)}/api/read-models", timeout=10)
    assert told.status_code == 200
    assert {copy["behind"] for model in told.json() for copy in model["copies"]} == {None}
