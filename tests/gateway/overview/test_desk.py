import asyncio
import time

import requests

from gateway.overview.desk import reading
from projections.schema import declare
from streams.health.metrics import Reading
from streams.settings import Settings
from tests.gateway.conftest import Serve

LANE = "notification-attempts.email.retries"


def test_partitions_are_summed_and_the_oldest_counts() -> None:
    readings = [
        Reading("tidings_lag_records", 3.0, ("deliver-retries", LANE, "0")),
        Reading("tidings_lag_seconds", 1.24, ("deliver-retries", LANE, "0")),
        Reading("tidings_lag_records", 4.0, ("deliver-retries", LANE, "1")),
        Reading("tidings_lag_seconds", 0.5, ("deliver-retries", LANE, "1")),
    ]
    assert reading(readings) == [{"group": "deliver-retries", "topic": LANE, "records": 7, "seconds": 1.2}]


def test_it_tells_counts_at_once_and_what_waits_as_soon_as_kafka_answers(declared: Settings, serve: Serve) -> None:
    asyncio.run(declare(declared))
    url = f"{serve(declared)}/api/overview"
    told = requests.get(url, timeout=30).json()
    assert told["counts"]["sent"] >= 0
    deadline = time.monotonic() + 60
    while told["reading"] is None:
        assert time.monotonic() < deadline, told
        told = requests.get(url, timeout=30).json()
    lanes = {one["topic"] for one in told["reading"] if one["group"] == "deliver-retries"}
    assert LANE in lanes
    assert {"admit", "lifecycle", "projections", "histories"} <= told["workers"].keys()
