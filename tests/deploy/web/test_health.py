"""`/metrics` and `/healthz` as they are served, and how a stack asks for them."""

import asyncio
import socket

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from deploy.stack import health, ports
from deploy.web.health import LOOPBACK, routes, served
from streams.health.progress import Look
from streams.health.vitals import Vitals


async def answer(vitals: Vitals, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=routes(vitals, "toy")))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get(path)


def stalled() -> Vitals:
    """Work that has not moved for longer than it may."""
    vitals = Vitals(stall_limit=5)
    vitals.watch(lambda: {"toy digs": Look(0, 5), "toy rests": Look(0, 0)})
    for second in range(10):
        vitals.look(float(second))
    return vitals


async def test_a_healthy_process_says_so_check_by_check() -> None:
    vitals = Vitals()
    vitals.watch(lambda: {"toy digs": Look(3, 5)})
    vitals.look(0.0)
    found = await answer(vitals, "/healthz")
    assert found.status_code == 200
    assert found.json() == {
        "status": "ok",
        "worker": "toy",
        "checks": {"toy digs": {"state": "ok", "told": "5 to do, nothing moved for 0 s"}},
    }


async def test_a_stalled_process_says_what_stands_still() -> None:
    found = await answer(stalled(), "/healthz")
    assert found.status_code == 503
    assert found.json()["status"] == "stalled"
    assert found.json()["checks"]["toy digs"] == {"state": "stalled", "told": "5 to do, nothing moved for 9 s"}
    assert found.json()["checks"]["toy rests"]["state"] == "ok"


async def test_metrics_are_in_the_form_that_prometheus_reads() -> None:
    found = await answer(stalled(), "/metrics")
    assert found.headers["content-type"].startswith("text/plain")
    samples = [sample for family in text_string_to_metric_families(found.text) for sample in family.samples]
    told = {sample.labels["check"]: sample.value for sample in samples if sample.name == "tidings_stalled_seconds"}
    assert told == {"toy digs": 9, "toy rests": 0}


async def test_they_are_served_on_loopback_while_the_process_works_and_a_stack_asks_for_them() -> None:
    port, silent = ports.choose(()), ports.choose(())
    async with served(stalled(), "toy", port):
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://{LOOPBACK}:{port}/metrics")).status_code == 200
        asked = await asyncio.to_thread(health.ask, {"toy": port, "gone": silent}, LOOPBACK)
    assert asked["toy"] == "stalled; toy digs: 5 to do, nothing moved for 9 s"
    assert asked["gone"].startswith("no answer: ")
    assert ports.free(port)


async def test_a_taken_port_is_told_and_keeps_no_process_from_working(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        async with served(Vitals(), "toy", port):
            pass
    assert f"port {port}" in caplog.text
